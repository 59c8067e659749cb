"""Tasks on items."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_commands import CreateTask
from contracts.values import Value
from entity_service.domain.items import Item

TaskStatus = Literal["open", "in_progress", "done", "cancelled"]


class Task(Value):
    """Something an employee is to do about an item. `stage` is the one it was made in."""

    tenant_id: UUID
    id: UUID
    item_id: UUID
    name: str
    description: str = ""
    assignee_id: UUID
    deadline: AwareDatetime | None = None
    participants: tuple[UUID, ...] = ()
    observers: tuple[UUID, ...] = ()
    checklist: tuple[str, ...] = ()
    priority: Literal["normal", "high"] = "normal"
    tags: tuple[str, ...] = ()
    complete_on_leave: bool = False
    stage: str
    status: TaskStatus = "open"
    created_by: str
    created_at: AwareDatetime
    completed_at: AwareDatetime | None = None


def new_task(item: Item, wanted: CreateTask, assignee: UUID, *, id: UUID, now: datetime) -> Task:
    """The task on an item; done at once when it was to be completed on leaving a stage, and the item has left it."""
    too_late = wanted.complete_on_leave and wanted.stage != item.stage
    return Task.model_validate(
        {
            **wanted.model_dump(exclude={"expect_entry_seq"}),
            "tenant_id": item.tenant_id,
            "id": id,
            "assignee_id": assignee,
            "status": "done" if too_late else "open",
            "created_at": now,
            "completed_at": now if too_late else None,
        }
    )
