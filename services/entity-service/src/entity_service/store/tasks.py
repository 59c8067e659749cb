"""Tasks on items."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from contracts.messages.entity_events import TaskStatus
from entity_service.domain.items import Item
from entity_service.domain.tasks import Task


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


type Completed = tuple[Task, TaskStatus]
"""A task as it is now, and its status before."""


async def complete_on_leave(tx: Connection, item: Item, now: datetime) -> list[Completed]:
    """Completes what was to be done only while the item was in its stage."""
    return await _complete(tx, item, item.stage, now, "complete_on_leave")


async def complete_of_rules(tx: Connection, item: Item, stage: str, now: datetime) -> list[Completed]:
    """Completes what rules of the stage made and is still open."""
    return await _complete(tx, item, stage, now, "created_by LIKE 'rule:%'")


async def _complete(tx: Connection, item: Item, stage: str, now: datetime, which: str) -> list[Completed]:
    rows = await tx.fetch(
        f"""UPDATE tasks SET status = 'done', completed_at = $4
            FROM (SELECT id AS open_id, status AS previous FROM tasks
                  WHERE tenant_id = $1 AND item_id = $2 AND stage = $3 AND {which}
                    AND status IN ('open', 'in_progress') FOR UPDATE) AS before
            WHERE tasks.tenant_id = $1 AND tasks.id = before.open_id RETURNING tasks.*, before.previous""",  # noqa: S608
        item.tenant_id,
        item.id,
        stage,
        now,
    )
    return [(Task.model_validate(dict(row)), row["previous"]) for row in rows]


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
