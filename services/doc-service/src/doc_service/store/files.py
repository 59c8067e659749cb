"""Files: what is known of them."""

from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from doc_service.domain.files import File
from doc_service.store.rows import pick, row_of


class FileIndex:
    """Table `files`."""

    async def add(self, tx: Connection, file: File) -> None:
        """Adding the same file again changes nothing."""
        await tx.execute(
            """INSERT INTO files (tenant_id, id, name, media_type, size, sha256, created_at, created_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING""",
            *row_of(file).values(),
        )

    async def total_bytes(self, tx: Connection, tenant: UUID) -> int:
        """How many bytes the tenant's files have together."""
        total: int = await tx.fetchval("SELECT coalesce(sum(size), 0)::bigint FROM files WHERE tenant_id = $1", tenant)
        return total

    async def find(self, tx: Connection, tenant: UUID, file_id: UUID) -> File | None:
        row = await tx.fetchrow("SELECT * FROM files WHERE tenant_id = $1 AND id = $2", tenant, file_id)
        return None if row is None else _file(row)


def _file(row: asyncpg.Record) -> File:
    return File(tenant=row["tenant_id"], **pick(row, "id name media_type size sha256 created_at created_by"))
