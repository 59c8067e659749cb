"""Tasks on items."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.items import Item
from entity_service.domain.tasks import Task, TaskStatus


async def add(tx: Connection, task: Task) -> None:
    await insert(tx, "tasks", dict(task))


async def find(tx: Connection, tenant: UUID, id: UUID) -> Task | None:
    row = await tx.fetchrow("SELECT * FROM tasks WHERE tenant_id = $1 AND id = $2", tenant, id)
    return Task.model_validate(dict(row)) if row else None


async def set_status(tx: Connection, task: Task, status: TaskStatus, completed_at: datetime | None) -> None:
    await tx.execute(
        "UPDATE tasks SET status = $3, completed_at = $4 WHERE tenant_id = $1 AND id = $2",
        task.tenant_id,
        task.id,
        status,
        completed_at,
    )


async def complete_on_leave(tx: Connection, item: Item, now: datetime) -> None:
    """Completes what was to be done only while the item was in its stage."""
    await tx.execute(
        """UPDATE tasks SET status = 'done', completed_at = $4
           WHERE tenant_id = $1 AND item_id = $2 AND stage = $3 AND complete_on_leave
             AND status IN ('open', 'in_progress')""",
        item.tenant_id,
        item.id,
        item.stage,
        now,
    )


async def complete_of_rules(tx: Connection, item: Item, stage: str, now: datetime) -> list[tuple[UUID, str]]:
    """Completes what rules of the stage made and is still open; ids and names."""
    rows = await tx.fetch(
        """UPDATE tasks SET status = 'done', completed_at = $4
           WHERE tenant_id = $1 AND item_id = $2 AND stage = $3 AND created_by LIKE 'rule:%'
             AND status IN ('open', 'in_progress') RETURNING id, name""",
        item.tenant_id,
        item.id,
        stage,
        now,
    )
    return [(row["id"], row["name"]) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of tasks is narrowed to; `before` is the id after which the page begins, newest first."""

    item: UUID | None = None
    assignee: UUID | None = None
    status: TaskStatus | None = None
    before: UUID | None = None


async def search(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[Task]:
    """At most `limit`, newest first."""
    rows = await tx.fetch(
        """SELECT * FROM tasks WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2)
             AND ($3::uuid IS NULL OR assignee_id = $3) AND ($4::text IS NULL OR status = $4)
             AND ($5::uuid IS NULL OR id < $5) ORDER BY id DESC LIMIT $6""",
        tenant,
        wanted.item,
        wanted.assignee,
        wanted.status,
        wanted.before,
        limit,
    )
    return [Task.model_validate(dict(row)) for row in rows]
