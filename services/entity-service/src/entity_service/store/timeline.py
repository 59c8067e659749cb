"""What happened to an item, for people to read."""

from collections.abc import Iterable
from uuid import UUID

from contracts.kit.database import Connection
from entity_service.domain.timeline import TimelineEntry


async def add(tx: Connection, tenant: UUID, entries: Iterable[TimelineEntry]) -> None:
    await tx.executemany(
        """INSERT INTO timeline (tenant_id, id, item_id, kind, text, data, author, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        [(tenant, e.id, e.item_id, e.kind, e.text, e.data, e.author, e.at) for e in entries],
    )


async def of_item(tx: Connection, tenant: UUID, item: UUID, before: UUID | None, limit: int) -> list[TimelineEntry]:
    """Newest first."""
    rows = await tx.fetch(
        """SELECT * FROM timeline WHERE tenant_id = $1 AND item_id = $2 AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4""",
        tenant,
        item,
        before,
        limit,
    )
    return [TimelineEntry.model_validate(dict(row)) for row in rows]
