"""QR codes and their scans."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.http import Newest
from contracts.kit.rows import insert
from contracts.values import FileRef
from doc_service.domain.links import VIEW_APART
from doc_service.domain.qr_codes import QrCode
from doc_service.store.rows import pick, row_of


class QrCodeStore:
    """Tables `qr_codes` and `recent_scans`; whose a token is, `link_tokens` says, as for links."""

    async def add(self, tx: Connection, code: QrCode) -> None:
        await insert(tx, "qr_codes", row_of(code))

    async def find(self, tx: Connection, tenant: UUID, id: UUID) -> QrCode | None:
        row = await tx.fetchrow("SELECT * FROM qr_codes WHERE tenant_id = $1 AND id = $2", tenant, id)
        return None if row is None else _code(row)

    async def of_token(self, tx: Connection, tenant: UUID, token_hash: bytes) -> QrCode | None:
        row = await tx.fetchrow("SELECT * FROM qr_codes WHERE tenant_id = $1 AND token_hash = $2", tenant, token_hash)
        return None if row is None else _code(row)

    async def page(
        self, tx: Connection, tenant: UUID, item: UUID | None, before: Newest | None, limit: int
    ) -> list[QrCode]:
        """Newest first; of one item or of all."""
        rows = await tx.fetch(
            """SELECT * FROM qr_codes WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2)
                 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
               ORDER BY created_at DESC, id DESC LIMIT $5""",
            tenant,
            item,
            *(before or (None, None)),
            limit,
        )
        return [_code(row) for row in rows]

    async def set_drawn(self, tx: Connection, code: QrCode, token_hash: bytes, image: FileRef) -> None:
        await tx.execute(
            "UPDATE qr_codes SET token_hash = $3, image = $4 WHERE tenant_id = $1 AND id = $2",
            code.tenant,
            code.id,
            token_hash,
            image.model_dump(mode="json"),
        )
        await insert(tx, "link_tokens", {"token_hash": token_hash, "tenant_id": code.tenant})

    async def delete(self, tx: Connection, tenant: UUID, id: UUID) -> None:
        """Deletes a code that is not drawn."""
        await tx.execute("DELETE FROM qr_codes WHERE tenant_id = $1 AND id = $2 AND image IS NULL", tenant, id)

    async def count_scan(self, tx: Connection, code: QrCode, visitor: bytes, now: datetime) -> int | None:
        """The number of scans with this one; null when the visitor was here a moment ago."""
        await tx.execute("SELECT FROM qr_codes WHERE id = $1 FOR UPDATE", code.id)
        before = now - VIEW_APART
        await tx.execute("DELETE FROM recent_scans WHERE qr_code_id = $1 AND seen_at <= $2", code.id, before)
        new = await tx.fetchval(
            """INSERT INTO recent_scans (tenant_id, qr_code_id, visitor, seen_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT DO NOTHING RETURNING true""",
            code.tenant,
            code.id,
            visitor,
            now,
        )
        if not new:
            return None
        counting = "UPDATE qr_codes SET scans = scans + 1, scanned_at = $2 WHERE id = $1 RETURNING scans"
        return int(await tx.fetchval(counting, code.id, now))


_FIELDS = """id item_id title description address language created_at created_by command_id token_hash scans
    scanned_at"""


def _code(row: asyncpg.Record) -> QrCode:
    image = FileRef.model_validate(row["image"]) if row["image"] else None
    return QrCode(tenant=row["tenant_id"], image=image, **pick(row, _FIELDS))
