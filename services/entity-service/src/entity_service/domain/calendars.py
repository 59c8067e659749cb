"""What a calendar or a schedule must be so that the engine can count with it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import holidays

from contracts.calendars import Calendar, Hours, Schedule
from entity_service.domain.errors import InvalidError


def check_calendar(calendar: Calendar) -> None:
    """Raises `InvalidError` for a week without work, for hours that overlap, and for an unknown country."""
    if not any(calendar.week.values()):
        raise InvalidError(("week", "give at least one weekday with working hours"))
    _check_hours(calendar.week, "week")
    _check_hours(calendar.days, "days")
    _check_country(calendar.country, calendar.subdivision)


def check_schedule(schedule: Schedule) -> None:
    """Raises `InvalidError` for hours that overlap and for an absence that ends before it begins."""
    _check_hours(schedule.week or {}, "week")
    _check_hours(schedule.days, "days")
    for place, absence in enumerate(schedule.absences):
        if absence.until <= absence.from_:
            raise InvalidError((f"absences[{place}].until", "is not later than from"))


def _check_hours(hours: Mapping[Any, Sequence[Hours]], where: str) -> None:
    for day, of_day in hours.items():
        if any(one.closes <= one.opens or one.closes > after.opens for one, after in pairwise(of_day)):
            what = "the hours of a day follow one another, and only the last ones may pass midnight"
            raise InvalidError((f"{where}.{day}", what))


def _check_country(country: str | None, subdivision: str | None) -> None:
    if country is None:
        if subdivision is not None:
            raise InvalidError(("subdivision", "needs the country that it is a part of"))
        return
    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise InvalidError(
            ("country", f"no public holidays are known of {country!r}: give an ISO 3166 code such as DE")
        )
    if subdivision is not None and subdivision not in known[country]:
        raise InvalidError(("subdivision", f"{country} has {_some(known[country])}"))


def _some(names: Iterable[str]) -> str:
    return (
        f"the subdivisions {', '.join(sorted(names)[:30])}" if names else "no subdivisions with holidays of their own"
    )
