"""Activities that people logged."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.activities import Activity


async def add(tx: Connection, tenant: UUID, activity: Activity) -> None:
    await insert(tx, "activities", {"tenant_id": tenant, **dict(activity)})


async def of_item(tx: Connection, tenant: UUID, item: UUID, before: UUID | None, limit: int) -> list[Activity]:
    """Newest first."""
    rows = await tx.fetch(
        """SELECT * FROM activities WHERE tenant_id = $1 AND item_id = $2 AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4""",
        tenant,
        item,
        before,
        limit,
    )
    return [Activity.model_validate(dict(row)) for row in rows]
