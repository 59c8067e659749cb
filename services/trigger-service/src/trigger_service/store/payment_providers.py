"""Payment providers."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from trigger_service.domain.payments import Provider


async def save(tx: Connection, tenant: UUID, provider: Provider, now: datetime) -> tuple[Provider, bool]:
    """Creates or replaces, and says whether it was created; a provider that is replaced keeps its token."""
    (row,) = await tx.fetch(
        """INSERT INTO payment_providers (tenant_id, code, token, name, secret, archived, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name, secret = excluded.secret,
               archived = excluded.archived, updated_at = excluded.updated_at
           RETURNING token, xmax = 0 AS created""",
        tenant,
        provider.code,
        provider.token,
        provider.name,
        provider.sealed,
        provider.archived,
        now,
    )
    return provider.model_copy(update={"token": row["token"]}), row["created"]


async def find(tx: Connection, tenant: UUID, code: str) -> Provider | None:
    row = await tx.fetchrow("SELECT * FROM payment_providers WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _provider(row) if row else None


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[Provider]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM payment_providers WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3",
        tenant,
        after,
        limit,
    )
    return [_provider(row) for row in rows]


def _provider(row: asyncpg.Record) -> Provider:
    return Provider(
        code=row["code"],
        token=row["token"],
        name=row["name"],
        sealed=row["secret"],
        archived=row["archived"],
    )


async def count(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM payment_providers WHERE tenant_id = $1", tenant)
    return count
