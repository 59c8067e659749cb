"""Which reminders the engine waits for."""

from collections.abc import Collection
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.reminders import Reminder


async def of_activities(tx: Connection, tenant: UUID, activities: Collection[UUID]) -> list[Reminder]:
    """By time. The items of the activities are locked."""
    rows = await tx.fetch(
        "SELECT * FROM reminders WHERE tenant_id = $1 AND activity_id = ANY ($2) ORDER BY due_at, id",
        tenant,
        list(activities),
    )
    return [Reminder.model_validate(dict(row)) for row in rows]


async def find(tx: Connection, tenant: UUID, id: UUID) -> Reminder | None:
    row = await tx.fetchrow("SELECT * FROM reminders WHERE tenant_id = $1 AND id = $2", tenant, id)
    return Reminder.model_validate(dict(row)) if row else None


async def add(tx: Connection, reminders: Collection[Reminder]) -> None:
    await insert(tx, "reminders", *(dict(one) for one in reminders))


async def delete(tx: Connection, tenant: UUID, ids: Collection[UUID]) -> bool:
    """Whether one of them was there still."""
    deleted = await tx.fetch(
        "DELETE FROM reminders WHERE tenant_id = $1 AND id = ANY ($2) RETURNING id", tenant, list(ids)
    )
    return bool(deleted)
