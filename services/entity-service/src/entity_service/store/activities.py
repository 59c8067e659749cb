"""Activities that people logged."""

from uuid import UUID

from contracts.kit.database import Connection
from entity_service.domain.activities import Activity


async def add(tx: Connection, tenant: UUID, activity: Activity) -> None:
    await tx.execute(
        """INSERT INTO activities (tenant_id, id, item_id, kind, subject, text, author, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        tenant,
        activity.id,
        activity.item_id,
        activity.kind,
        activity.subject,
        activity.text,
        activity.author,
        activity.at,
    )


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
