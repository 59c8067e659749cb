"""What people did about an item. Only these count in `activity_count`; what rules do does not."""

from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from contracts.values import Value

ActivityKind = Literal["call", "meeting", "email", "note"]


class NewActivity(NamedTuple):
    """What a person says he did."""

    kind: ActivityKind
    subject: str
    text: str


class Activity(Value):
    """Something a person logged."""

    id: UUID
    item_id: UUID
    kind: ActivityKind
    subject: str
    text: str = ""
    author: str
    at: AwareDatetime
