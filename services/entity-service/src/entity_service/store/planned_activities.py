"""What employees plan to do about items."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert, update
from contracts.values import PlannedKind
from entity_service.domain.items import Item
from entity_service.domain.planned_activities import PlannedActivity, PlannedStatus
from entity_service.domain.resources import Span


def _row(activity: PlannedActivity) -> dict[str, object]:
    return dict(activity) | {"files": [one.model_dump(mode="json") for one in activity.files]}


async def add(tx: Connection, activity: PlannedActivity) -> None:
    await insert(tx, "planned_activities", _row(activity))


async def save(tx: Connection, activity: PlannedActivity) -> None:
    await update(tx, "planned_activities", _row(activity), key=("tenant_id", "id"))


async def find(tx: Connection, tenant: UUID, id: UUID) -> PlannedActivity | None:
    row = await tx.fetchrow("SELECT * FROM planned_activities WHERE tenant_id = $1 AND id = $2", tenant, id)
    return PlannedActivity.model_validate(dict(row)) if row else None


async def complete_on_leave(tx: Connection, item: Item, now: datetime) -> list[PlannedActivity]:
    """Completes what was planned only while the item was in its stage, and returns it as it is now."""
    rows = await tx.fetch(
        """UPDATE planned_activities SET status = 'done', completed_at = $4, changed_at = $4, version = version + 1
           WHERE tenant_id = $1 AND item_id = $2 AND stage = $3 AND complete_on_leave AND status = 'open'
           RETURNING *""",
        item.tenant_id,
        item.id,
        item.stage,
        now,
    )
    return [PlannedActivity.model_validate(dict(row)) for row in rows]


async def open_of_item(
    tx: Connection, item: Item, kinds: tuple[PlannedKind, ...], author: UUID | None
) -> list[PlannedActivity]:
    """What is open of a locked item; without kinds of all kinds."""
    rows = await tx.fetch(
        """SELECT * FROM planned_activities WHERE tenant_id = $1 AND item_id = $2 AND status = 'open'
             AND (cardinality($3::text[]) = 0 OR kind = ANY ($3)) AND ($4::text IS NULL OR created_by = $4)
           ORDER BY id""",
        item.tenant_id,
        item.id,
        list(kinds),
        str(author) if author else None,
    )
    return [PlannedActivity.model_validate(dict(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; `before` is the id after which the page begins, newest first."""

    item: UUID | None = None
    responsible: UUID | None = None
    status: PlannedStatus | None = None
    before: UUID | None = None


async def search(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[PlannedActivity]:
    """At most `limit`, newest first."""
    rows = await tx.fetch(
        """SELECT * FROM planned_activities WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2)
             AND ($3::uuid IS NULL OR responsible_id = $3) AND ($4::text IS NULL OR status = $4)
             AND ($5::uuid IS NULL OR id < $5) ORDER BY id DESC LIMIT $6""",
        tenant,
        wanted.item,
        wanted.responsible,
        wanted.status,
        wanted.before,
        limit,
    )
    return [PlannedActivity.model_validate(dict(row)) for row in rows]


async def in_calendar(tx: Connection, tenant: UUID, employee: UUID, during: Span, limit: int) -> list[PlannedActivity]:
    """What of an employee, who is responsible or a guest, is in the calendar at some time; cancelled ones too."""
    rows = await tx.fetch(
        """SELECT * FROM planned_activities WHERE tenant_id = $1 AND add_to_calendar AND deadline < $4
             AND deadline + make_interval(mins => minutes) > $3 AND (responsible_id = $2 OR $2 = ANY (guests))
           ORDER BY deadline, id LIMIT $5""",
        tenant,
        employee,
        *during,
        limit,
    )
    return [PlannedActivity.model_validate(dict(row)) for row in rows]
