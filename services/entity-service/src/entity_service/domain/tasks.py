"""Tasks on items."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_commands import TaskFields
from contracts.messages.entity_events import TaskStatus
from contracts.values import Value
from entity_service.domain.items import Item


class Task(TaskFields, Value):
    """Something an employee is to do about an item. `stage` is the one it was made in."""

    tenant_id: UUID
    id: UUID
    item_id: UUID
    assignee_id: UUID
    stage: str
    status: TaskStatus = "open"
    created_by: str
    created_at: AwareDatetime
    completed_at: AwareDatetime | None = None


def new_task(item: Item, wanted: TaskFields, *, stage: str, assignee: UUID, by: str, id: UUID, now: datetime) -> Task:  # noqa: PLR0913
    """The task on an item; done at once when it was to be completed on leaving `stage`, and the item has left it."""
    too_late = wanted.complete_on_leave and stage != item.stage
    given = {name: getattr(wanted, name) for name in TaskFields.model_fields}
    return Task(
        **given | {"assignee_id": assignee},
        tenant_id=item.tenant_id,
        id=id,
        item_id=item.id,
        stage=stage,
        status="done" if too_late else "open",
        created_by=by,
        created_at=now,
        completed_at=now if too_late else None,
    )
