"""Meeting rooms and other resources, and when they are booked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from contracts.messages.entity_commands import Minutes
from contracts.messages.entity_events import ResourceKind
from contracts.texts import Line, Name
from contracts.values import Code, Fields, Value


class ResourceFields(Fields):
    """What is said of a room or resource. An archived one keeps its bookings and gets no new ones."""

    name: Name
    location: Line = ""
    archived: bool = False


class Resource(ResourceFields, Value):
    """Something that is used by one at a time."""

    kind: ResourceKind
    code: Code


class Span(NamedTuple):
    """A time from a moment to, but without, another one."""

    start: datetime
    end: datetime


def span(start: datetime, minutes: Minutes) -> Span:
    return Span(start, start + timedelta(minutes=minutes))


class Booking(Value):
    """A room or resource is taken for an item; `activity_id` is the planned activity that takes place in it."""

    id: UUID
    kind: ResourceKind
    resource: Code
    start: AwareDatetime
    end: AwareDatetime
    item_id: UUID
    activity_id: UUID | None = None
    employee_id: UUID | None = None
    """In whose calendar it is."""
    service: str = ""
    created_by: str
    created_at: AwareDatetime


def next_free(wanted: Span, taken: Iterable[Span]) -> datetime:
    """The first moment from `wanted.start` on at which its length is free; `taken` by their start, none overlapping."""
    length, start = wanted.end - wanted.start, wanted.start
    for one in taken:
        if start + length <= one.start:
            break
        start = max(start, one.end)
    return start


def local(moment: datetime, zone: str) -> str:
    """A moment as people of a time zone read it: `2030-05-07 14:30`."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
