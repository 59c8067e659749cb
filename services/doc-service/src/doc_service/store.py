"""Every SQL statement of doc-service. Row-level security binds each to the tenants of its transaction besides."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from contracts.envelope import format_causepath, parse_causepath
from contracts.kit.database import Connection
from doc_service.domain.documents import Document
from doc_service.domain.files import File
from doc_service.domain.links import VIEW_APART, Link
from doc_service.domain.templates import Template, TemplateHead, TemplateVersion

type Position = tuple[datetime, UUID]
"""A document's place in a list, newest first."""

_DOCUMENT = """SELECT d.*, f.name AS file_name, f.media_type, f.size, f.sha256,
    f.created_at AS file_at, f.created_by AS file_by FROM documents d LEFT JOIN files f ON f.id = d.file_id"""
_TEMPLATE = """SELECT t.code, t.published, t.archived, v.version, v.name, v.language, v.number_pattern, v.source,
    v.created_at, v.created_by FROM templates t JOIN template_versions v USING (tenant_id, code)"""


class Files:
    """What is known of files."""

    async def add(self, tx: Connection, file: File) -> None:
        """Adding the same file again changes nothing."""
        await tx.execute(
            """INSERT INTO files (id, tenant_id, name, media_type, size, sha256, created_at, created_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
            *asdict(file).values(),
        )

    async def total_bytes(self, tx: Connection, tenant: UUID) -> int:
        """How many bytes the tenant's files have together."""
        total: int = await tx.fetchval("SELECT coalesce(sum(size), 0)::bigint FROM files WHERE tenant_id = $1", tenant)
        return total

    async def find(self, tx: Connection, tenant: UUID, file_id: UUID) -> File | None:
        row = await tx.fetchrow("SELECT * FROM files WHERE tenant_id = $1 AND id = $2", tenant, file_id)
        return None if row is None else _file(row)


class Templates:
    """The tenants' own templates, and the numbers of all."""

    async def usable(self, tx: Connection, tenant: UUID, code: str) -> Template | None:
        """The published version of a template in use."""
        row = await tx.fetchrow(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code = $2 AND v.version = t.published AND NOT t.archived",
            tenant,
            code,
        )
        return None if row is None else _template(row)

    async def usable_codes(self, tx: Connection, tenant: UUID) -> list[str]:
        """The codes of the templates in use that have a published version."""
        rows = await tx.fetch(
            "SELECT code FROM templates WHERE tenant_id = $1 AND published IS NOT NULL AND NOT archived", tenant
        )
        return [row["code"] for row in rows]

    async def version(self, tx: Connection, tenant: UUID, code: str, version: int | None) -> TemplateVersion | None:
        """One version of a template; null asks for the newest."""
        row = await tx.fetchrow(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code = $2 AND v.version = coalesce($3, t.latest)",
            tenant,
            code,
            version,
        )
        return None if row is None else _version(row)

    async def newest(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[TemplateVersion]:
        """The newest versions of the templates with codes behind `after`."""
        rows = await tx.fetch(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code > $2 AND v.version = t.latest ORDER BY code LIMIT $3",
            tenant,
            after,
            limit,
        )
        return [_version(row) for row in rows]

    async def locked(self, tx: Connection, tenant: UUID, code: str) -> TemplateHead | None:
        """Keeps others from changing the template, also one that does not exist yet, until the transaction ends."""
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{tenant}/{code}")
        row = await tx.fetchrow(
            "SELECT code, latest, published, archived FROM templates WHERE tenant_id = $1 AND code = $2", tenant, code
        )
        return None if row is None else TemplateHead(**row)

    async def count(self, tx: Connection, tenant: UUID) -> int:
        """Archived ones too."""
        count: int = await tx.fetchval("SELECT count(*) FROM templates WHERE tenant_id = $1", tenant)
        return count

    async def save(self, tx: Connection, tenant: UUID, head: TemplateHead) -> None:
        await tx.execute(
            """INSERT INTO templates (tenant_id, code, latest, published, archived) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (tenant_id, code) DO UPDATE SET latest = $3, published = $4, archived = $5""",
            tenant,
            *asdict(head).values(),
        )

    async def add_version(self, tx: Connection, tenant: UUID, template: Template, at: datetime, by: str) -> None:
        await tx.execute(
            """INSERT INTO template_versions
               (tenant_id, code, version, name, language, number_pattern, source, created_at, created_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            tenant,
            *asdict(template).values(),
            at,
            by,
        )

    async def next_count(self, tx: Connection, tenant: UUID, series: str) -> int:
        """The next count of a series; its row stays locked, so an aborted transaction leaves no gap."""
        return int(
            await tx.fetchval(
                """INSERT INTO number_series (tenant_id, series, last) VALUES ($1, $2, 1)
                   ON CONFLICT (tenant_id, series) DO UPDATE SET last = number_series.last + 1 RETURNING last""",
                tenant,
                series,
            )
        )


class Documents:
    """Documents and how far they are."""

    async def add(self, tx: Connection, document: Document) -> None:
        row = {name: value for name, value in asdict(document).items() if name not in ("file", "causepath")}
        row |= {"tenant_id": row.pop("tenant"), "causepath": format_causepath(document.causepath)}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await tx.execute(f"INSERT INTO documents ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608

    async def find(self, tx: Connection, tenant: UUID, document_id: UUID) -> Document | None:
        row = await tx.fetchrow(f"{_DOCUMENT} WHERE d.tenant_id = $1 AND d.id = $2", tenant, document_id)
        return None if row is None else _document(row)

    async def newest(
        self, tx: Connection, tenant: UUID, item: UUID | None, before: Position | None, limit: int
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
            "UPDATE documents SET status = 'ready', file_id = $3 WHERE tenant_id = $1 AND id = $2",
            document.tenant,
            document.id,
            file.id,
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


class LinkTable:
    """Public links by the hash of their token."""

    async def add(self, tx: Connection, link: Link) -> None:
        await tx.execute(
            """INSERT INTO links (token_hash, tenant_id, document_id, created_at, created_by, expires_at, revoked_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            *asdict(link).values(),
        )
        await tx.execute(
            "INSERT INTO link_tokens (token_hash, tenant_id) VALUES ($1, $2)", link.token_hash, link.tenant
        )

    async def tenant_of(self, tx: Connection, token_hash: bytes) -> UUID | None:
        """Whose link it is. `tx` is one of the delivery role."""
        tenant: UUID | None = await tx.fetchval("SELECT tenant_id FROM link_tokens WHERE token_hash = $1", token_hash)
        return tenant

    async def find(self, tx: Connection, tenant: UUID, token_hash: bytes) -> Link | None:
        row = await tx.fetchrow("SELECT * FROM links WHERE tenant_id = $1 AND token_hash = $2", tenant, token_hash)
        return None if row is None else _link(row)

    async def of_document(self, tx: Connection, document: Document) -> list[Link]:
        """Newest first."""
        rows = await tx.fetch(
            "SELECT * FROM links WHERE tenant_id = $1 AND document_id = $2 ORDER BY created_at DESC LIMIT 100",
            document.tenant,
            document.id,
        )
        return [_link(row) for row in rows]

    async def revoke_all(self, tx: Connection, document: Document, now: datetime) -> None:
        await tx.execute(
            "UPDATE links SET revoked_at = $3 WHERE tenant_id = $1 AND document_id = $2 AND revoked_at IS NULL",
            document.tenant,
            document.id,
            now,
        )


class Store:
    """All tables of the service."""

    def __init__(self) -> None:
        self.files = Files()
        self.templates = Templates()
        self.documents = Documents()
        self.links = LinkTable()


def _file(row: asyncpg.Record) -> File:
    return File(tenant=row["tenant_id"], **_pick(row, "id name media_type size sha256 created_at created_by"))


def _template(row: asyncpg.Record) -> Template:
    return Template(**_pick(row, "code version name language number_pattern source"))


def _version(row: asyncpg.Record) -> TemplateVersion:
    return TemplateVersion(template=_template(row), **_pick(row, "published archived created_at created_by"))


def _link(row: asyncpg.Record) -> Link:
    names = "token_hash created_at created_by expires_at revoked_at"
    return Link(tenant=row["tenant_id"], document=row["document_id"], **_pick(row, names))


_DOCUMENT_FIELDS = """id item_id template template_version title company number language time_zone data wait_for_pdf
    public_link link_days created_at created_by command_id correlation root status reason views viewed_at"""


def _document(row: asyncpg.Record) -> Document:
    return Document(
        tenant=row["tenant_id"],
        causepath=parse_causepath(row["causepath"]),
        file=None if row["file_id"] is None else _document_file(row),
        **_pick(row, _DOCUMENT_FIELDS),
    )


def _document_file(row: asyncpg.Record) -> File:
    return File(
        id=row["file_id"],
        tenant=row["tenant_id"],
        name=row["file_name"],
        created_at=row["file_at"],
        created_by=row["file_by"],
        **_pick(row, "media_type size sha256"),
    )


def _pick(row: asyncpg.Record, names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}
