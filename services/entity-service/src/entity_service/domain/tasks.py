"""Tasks on items."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.values import Value

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
