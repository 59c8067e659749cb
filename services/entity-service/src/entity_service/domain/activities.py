"""What people did about an item. Only these count in `activity_count`; what rules do does not."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from contracts.texts import Title
from contracts.values import Fields, Value

ActivityKind = Literal["call", "meeting", "email", "note"]


class ActivityFields(Fields):
    """What a person did about an item."""

    kind: ActivityKind
    subject: Title
    text: Annotated[str, StringConstraints(max_length=10_000)] = ""


class Activity(ActivityFields, Value):
    """Something a person logged."""

    id: UUID
    item_id: UUID
    author: str
    at: AwareDatetime
