"""Public links by the hash of their token."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from doc_service.domain.documents import Document
from doc_service.domain.links import Link
from doc_service.store.rows import pick, row_of


class LinkStore:
    """Tables `links` and `link_tokens`."""

    async def add(self, tx: Connection, link: Link) -> None:
        row = row_of(link)
        await insert(tx, "links", row | {"document_id": row.pop("document")})
        await insert(tx, "link_tokens", {"token_hash": link.token_hash, "tenant_id": link.tenant})

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


def _link(row: asyncpg.Record) -> Link:
    names = "token_hash created_at created_by expires_at revoked_at"
    return Link(tenant=row["tenant_id"], document=row["document_id"], **pick(row, names))
