"""Functions of days and moments."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from contracts.conditions.comparison import is_clock
from contracts.conditions.operands import moved
from contracts.envelope import rfc3339
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions.arguments import day_of, is_day, is_empty, local, moment_of, whole, zoned
from rule_engine.domain.language.functions.registry import function
from rule_engine.domain.language.functions.surroundings import MAX_WORDS, here, zone_of
from rule_engine.domain.language.numbers import exact

_SPAN = re.compile(r"([+-]?\d{1,9})\s*([a-z]+)", re.IGNORECASE)
_UNITS: Mapping[str, str] = {
    spelled: unit
    for unit, spellings in {
        "months": ("mo", "month", "months"),
        "years": ("y", "year", "years"),
        "weeks": ("w", "week", "weeks"),
        "days": ("d", "day", "days"),
        "hours": ("h", "hour", "hours"),
        "minutes": ("m", "min", "minute", "minutes"),
        "seconds": ("s", "sec", "second", "seconds"),
    }.items()
    for spelled in spellings
}


@function
def dateadd(value: Any, span: str) -> str | None:
    """A day or moment so much later: `'1 month 2 days'`, `'-3 hours'`.

    Years to days are calendar ones in the company's zone; a day with hours becomes a moment.
    """
    if is_empty(value):
        return None
    counts = _span(span)
    months = counts.get("years", 0) * 12 + counts.get("months", 0)
    days = counts.get("weeks", 0) * 7 + counts.get("days", 0)
    exact = timedelta(**{unit: counts.get(unit, 0) for unit in ("hours", "minutes", "seconds")})
    if is_day(value):
        day = moved(date.fromisoformat(value), months, days)
        return day.isoformat() if not exact else rfc3339(local(day, time(0)) + exact)
    moment = moment_of(value)
    if months or days:
        there = moment.astimezone(here().zone)
        moment = local(moved(there.date(), months, days), there.time())
    return rfc3339(moment + exact)


def _span(text: str) -> dict[str, int]:
    """`1 month -2 days` as numbers by unit."""
    if len(text) > MAX_WORDS:
        raise ValueFailureError(f"a span of time has at most {MAX_WORDS} characters")
    counts: dict[str, int] = {}
    rest = _SPAN.sub("", text).strip(" ,")
    for number, unit in _SPAN.findall(text):
        known = _unit(unit)
        counts[known] = counts.get(known, 0) + int(number)
    if rest or not counts:
        raise ValueFailureError("a span of time is written like '1 month 2 days' or '-3 hours'")
    return counts


_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
_IN_DAYS_OR_MONTHS = {"years": ("months", 12), "months": ("months", 1), "weeks": ("days", 7), "days": ("days", 1)}


@function
def datediff(first: Any, second: Any, unit: str = "days") -> int | None:
    """Whole units from the first to the second: as many as `dateadd` can add to the first without passing the second.

    Years to days are calendar ones in the company's zone; where one of the two is a day, clock times do not count.
    """
    if is_empty(first) or is_empty(second):
        return None
    known = _unit(unit)
    if known in _SECONDS:
        seconds = (moment_of(second) - moment_of(first)) // timedelta(microseconds=1)
        return _towards_zero(seconds, _SECONDS[known] * 1_000_000)
    if is_day(first) or is_day(second):
        first, second = day_of(first).isoformat(), day_of(second).isoformat()
    of, length = _IN_DAYS_OR_MONTHS[known]
    return _towards_zero(_counted(first, second, of), length)


def _counted(first: str, second: str, unit: str) -> int:
    """Calendar months or days; one less than the calendar's pages turned where the day or clock is not reached yet."""
    a, b, passed = day_of(first), day_of(second), _time_of(first) > _time_of(second)
    number = (b.year - a.year) * 12 + b.month - a.month if unit == "months" else (b - a).days
    reached = _time_of(dateadd(first, f"{number} {unit}"))
    if passed:
        return number + (reached < _time_of(second))
    return number - (reached > _time_of(second))


def _time_of(value: Any) -> date | datetime:
    return date.fromisoformat(value) if is_day(value) else moment_of(value)


def _towards_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _unit(text: str) -> str:
    known = _UNITS.get(text.lower())
    if known is None:
        raise ValueFailureError(f"there is no unit {text!r:.20}; there are {', '.join(sorted(set(_UNITS.values())))}")
    return known


@function
def addworkdays(value: Any, days: Any) -> str | None:
    """So many working days of the tenant's calendar later; the clock time of a moment stays."""
    if is_empty(value):
        return None
    number, around = whole(days), here()
    day = around.calendar.day(day_of(value), number)
    return day.isoformat() if is_day(value) else rfc3339(local(day, zoned(value).time()))


@function
def addworkhours(value: Any, hours: Any) -> str | None:
    """So many working hours of the tenant's calendar later, as a moment."""
    if is_empty(value):
        return None
    around, span = here(), timedelta(microseconds=int(exact(hours) * 3_600_000_000))
    if span < timedelta():
        return rfc3339(around.calendar.earlier(moment_of(value), -span))
    return rfc3339(around.calendar.later(moment_of(value), span))


@function
def isworkday(value: Any) -> bool:
    """Whether the tenant's calendar works on this day."""
    return not is_empty(value) and here().calendar.is_working_day(day_of(value))


@function
def isworktime(value: Any) -> bool:
    """Whether the tenant's calendar works at this moment."""
    return not is_empty(value) and here().calendar.next(moment_of(value)) == moment_of(value)


@function
def to_timezone(value: Any, zone: str) -> str | None:
    """The same moment as the clocks of a zone show it: `2026-03-02T21:00:00+09:00`."""
    return None if is_empty(value) else moment_of(value).astimezone(zone_of(zone)).isoformat()


_SAID_DAYS = {"today": 0, "tomorrow": 1, "yesterday": -1}


@function
def strtotime(text: Any) -> str | None:
    """A day or moment from a text: `2026-03-02`, `02.03.2026 14:00`, `tomorrow 14:00`, `+2 days`, `now`."""
    if is_empty(text):
        return None
    around, words = here(), str(text).strip().lower()
    if len(words) > MAX_WORDS:
        raise ValueFailureError(f"a date has at most {MAX_WORDS} characters")
    if words == "now":
        return rfc3339(around.now)
    if words[:1] in "+-":
        return dateadd(rfc3339(around.now), words)
    day_text, _, clock = words.replace("t", " ", 1).partition(" ") if words[:4].isdecimal() else words.partition(" ")
    if day_text in _SAID_DAYS:
        day = moved(around.now.astimezone(around.zone).date(), 0, _SAID_DAYS[day_text])
    else:
        day = _written_day(day_text)
    if not clock:
        return day.isoformat()
    if not is_clock(clock):
        return rfc3339(moment_of(str(text).strip()))
    return rfc3339(local(day, time.fromisoformat(clock)))


def _written_day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - only its date is taken
        except ValueError:
            continue
    raise ValueFailureError("a date is written like 2026-03-02, 02.03.2026, or tomorrow 14:00")


@function
def settime(value: Any, clock: Any, minute: Any = 0) -> str | None:
    """The same day in the company's zone at a clock time: `settime: '14:00'` or `settime: 14, 30`."""
    if is_empty(value):
        return None
    at = time.fromisoformat(clock) if is_clock(clock) else time(whole(clock), whole(minute))
    return rfc3339(local(day_of(value), at))
