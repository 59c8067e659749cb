"""Documents and how far they are."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.envelope import format_causepath, parse_causepath
from contracts.kit.database import Connection
from contracts.kit.http import Newest
from contracts.kit.rows import insert
from doc_service.domain.documents import Document
from doc_service.domain.files import File
from doc_service.domain.links import VIEW_APART
from doc_service.store.rows import pick, row_of

_DOCUMENT = """SELECT d.*, f.name AS file_name, f.media_type, f.size, f.sha256,
    f.created_at AS file_at, f.created_by AS file_by FROM documents d LEFT JOIN files f ON f.id = d.file_id"""


class DocumentStore:
    """Tables `documents` and `recent_views`."""

    async def add(self, tx: Connection, document: Document) -> None:
        row = row_of(document) | {"causepath": format_causepath(document.causepath)}
        del row["file"]
        await insert(tx, "documents", row)

    async def find(self, tx: Connection, tenant: UUID, document_id: UUID) -> Document | None:
        row = await tx.fetchrow(f"{_DOCUMENT} WHERE d.tenant_id = $1 AND d.id = $2", tenant, document_id)
        return None if row is None else _document(row)

    async def page(
        self, tx: Connection, tenant: UUID, item: UUID | None, before: Newest | None, limit: int
    ) -> list[Document]:
        """Newest first; of one item or of all."""
        rows = await tx.fetch(
            f"""{_DOCUMENT} WHERE d.tenant_id = $1 AND ($2::uuid IS NULL OR d.item_id = $2)
                AND ($3::timestamptz IS NULL OR (d.created_at, d.id) < ($3, $4::uuid))
                ORDER BY d.created_at DESC, d.id DESC LIMIT $5""",
            tenant,
            item,
            *(before or (None, None)),
            limit,
        )
        return [_document(row) for row in rows]

    async def set_ready(self, tx: Connection, document: Document, file: File) -> None:
        await tx.execute(
            "UPDATE documents SET status = 'ready', file_id = $3, warnings = $4 WHERE tenant_id = $1 AND id = $2",
            document.tenant,
            document.id,
            file.id,
            document.warnings,
        )

    async def end(self, tx: Connection, document_id: UUID, status: str, reason: str) -> None:
        """Ends a document that there will be no PDF of."""
        await tx.execute(
            "UPDATE documents SET status = $2, reason = $3 WHERE id = $1 AND status = 'waiting'",
            document_id,
            status,
            reason,
        )

    async def count_view(self, tx: Connection, document: Document, visitor: bytes, now: datetime) -> int | None:
        """The number of views with this one; null when the visitor was here a moment ago."""
        await tx.execute("SELECT FROM documents WHERE id = $1 FOR UPDATE", document.id)
        await tx.execute(
            "DELETE FROM recent_views WHERE document_id = $1 AND seen_at <= $2", document.id, now - VIEW_APART
        )
        new = await tx.fetchval(
            """INSERT INTO recent_views (tenant_id, document_id, visitor, seen_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING true""",
            document.tenant,
            document.id,
            visitor,
            now,
        )
        if not new:
            return None
        counting = "UPDATE documents SET views = views + 1, viewed_at = $2 WHERE id = $1 RETURNING views"
        return int(await tx.fetchval(counting, document.id, now))


_DOCUMENT_FIELDS = """id item_id template template_version title company number language time_zone data wait_for_pdf
    public_link link_days created_at created_by command_id correlation root status reason views viewed_at"""


def _document(row: asyncpg.Record) -> Document:
    return Document(
        tenant=row["tenant_id"],
        causepath=parse_causepath(row["causepath"]),
        warnings=tuple(row["warnings"]),
        file=None if row["file_id"] is None else _document_file(row),
        **pick(row, _DOCUMENT_FIELDS),
    )


def _document_file(row: asyncpg.Record) -> File:
    return File(
        id=row["file_id"],
        tenant=row["tenant_id"],
        name=row["file_name"],
        created_at=row["file_at"],
        created_by=row["file_by"],
        **pick(row, "media_type size sha256"),
    )
