"""What happened to an item, for people to read."""

from collections.abc import Iterable
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.timeline import TimelineEntry


async def add(tx: Connection, tenant: UUID, entries: Iterable[TimelineEntry]) -> None:
    await insert(tx, "timeline", *({"tenant_id": tenant, **dict(entry)} for entry in entries))


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
