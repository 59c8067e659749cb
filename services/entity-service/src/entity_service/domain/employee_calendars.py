"""What is in an employee's calendar: planned activities that were added to it, and bookings."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_commands import Colour
from contracts.values import Code, PlannedKind, Value
from entity_service.domain.planned_activities import PlannedActivity, PlannedStatus
from entity_service.domain.resources import Booking


class CalendarEvent(Value):
    """An event of the calendar; `id` is that of the planned activity or the booking, `version` counts its changes."""

    id: UUID
    kind: PlannedKind | Literal["booking"]
    name: str
    description: str = ""
    start: AwareDatetime
    end: AwareDatetime
    status: PlannedStatus = "open"
    colour: Colour | None = None
    place: str = ""
    """The address; else the code of what is booked."""
    room: Code | None = None
    link: str | None = None
    item_id: UUID
    version: int = 1
    changed_at: AwareDatetime


def events_of(activities: Iterable[PlannedActivity], bookings: Iterable[Booking]) -> list[CalendarEvent]:
    """By time. The room of a planned activity is booked with it and is no event of its own."""
    planned = [_planned(one) for one in activities]
    booked = [_booked(one) for one in bookings if one.activity_id is None]
    return sorted((*planned, *booked), key=lambda one: (one.start, one.id))


def _planned(activity: PlannedActivity) -> CalendarEvent:
    start = activity.deadline or activity.created_at
    return CalendarEvent(
        id=activity.id,
        kind=activity.kind,
        name=activity.name,
        description=activity.description,
        start=start,
        end=start + timedelta(minutes=activity.minutes),
        status=activity.status,
        colour=activity.colour,
        place=activity.address or activity.room or "",
        room=activity.room,
        link=activity.link,
        item_id=activity.item_id,
        version=activity.version,
        changed_at=activity.changed_at,
    )


def _booked(booking: Booking) -> CalendarEvent:
    return CalendarEvent(
        id=booking.id,
        kind="booking",
        name=booking.service or booking.resource,
        start=booking.start,
        end=booking.end,
        place=booking.resource,
        room=booking.resource if booking.kind == "room" else None,
        item_id=booking.item_id,
        changed_at=booking.created_at,
    )
