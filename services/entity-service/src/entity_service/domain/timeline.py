"""Entries of an item's timeline."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from contracts.values import Value

EntryKind = Literal[
    "created",
    "stage_changed",
    "fields_changed",
    "activity",
    "task",
    "payment",
    "invoice",
    "comment",
    "history",
    "planned_activity",
    "booking",
    "shipment",
    "automation_stopped",
]


class TimelineEntry(Value):
    """Something that happened to an item; `author` is an employee's id, a rule or a service."""

    id: UUID
    item_id: UUID
    kind: EntryKind
    text: str = ""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    author: str
    at: AwareDatetime
