"""An employee's calendar as RFC 5545 has it, for calendar programs that subscribe to it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from entity_service.domain.employee_calendars import CalendarEvent

PAST, AHEAD = timedelta(days=90), timedelta(days=366)
"""How far a feed goes back and ahead."""
READ_AGAIN = timedelta(minutes=15)
"""How often programs are asked to look."""
DOMAIN = "stagewright"
"""Of the events' UIDs, which stay the same wherever the service runs."""


def feed(name: str, events: Iterable[CalendarEvent]) -> bytes:
    """The calendar of an employee; what was cancelled is in it as cancelled, so that programs take it out."""
    calendar = Calendar()
    calendar.add("prodid", "-//Stagewright//Employee calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", READ_AGAIN, parameters={"VALUE": "DURATION"})
    for one in events:
        calendar.add_component(_event(one))
    content: bytes = calendar.to_ical()
    return content


def _event(one: CalendarEvent) -> Event:
    event = Event()
    event.add("uid", f"{one.id}@{DOMAIN}")
    event.add("dtstamp", _second(one.changed_at))
    event.add("last-modified", _second(one.changed_at))
    event.add("sequence", one.version - 1)
    event.add("dtstart", _second(one.start))
    event.add("dtend", _second(one.end))
    event.add("summary", one.name)
    event.add("status", "CANCELLED" if one.status == "cancelled" else "CONFIRMED")
    texts = {"description": one.description, "location": one.place, "color": one.colour, "url": one.link}
    for name, text in texts.items():
        if text:
            event.add(name, text)
    return event


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
