"""Working time on real clocks: which moments are in it, and how far away some hours or days of it are.

Opening and closing are local times, so a day's hours are as long as they really are when the clocks change. The closing
moment is still working time. A date is a working day when some work begins on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from whenever import PlainDateTime, Time

from contracts.budget import current
from contracts.calendars import WEEKDAYS, Calendar, Hours, Schedule
from rule_engine.domain.schedule.clock import at_local, local_time

MAX_FREE_DAYS = 1100
"""When so many days in a row have no working time, there is none."""

_STEP, _DAY, _HOURS, _YEAR = 100, 4_000, 4_000, 150_000
"""Units of `contracts.budget`: a day passed, a day and its hours worked out, the holidays of a year."""

type Span = tuple[datetime, datetime]


class NoWorkingTimeError(Exception):
    """There is no working time within years."""


@dataclass(frozen=True)
class WorkingTime:
    """The working time of a company or of an employee. Its methods raise `NoWorkingTimeError`."""

    zone: str
    calendar: Calendar
    absences: tuple[Span, ...] = ()
    _known: dict[date, tuple[Span, ...]] = field(default_factory=dict, repr=False, compare=False)
    _years: set[int] = field(default_factory=set, repr=False, compare=False)

    def next(self, moment: datetime) -> datetime:
        """The first working moment from here on."""
        opens, _ = next(self._onward(moment))
        return max(opens, moment)

    def last(self, moment: datetime) -> datetime:
        """The last working moment up to here."""
        _, closes = next(self._backward(moment))
        return min(closes, moment)

    def later(self, moment: datetime, hours: timedelta) -> datetime:
        """When so much time has been worked from here on."""
        for opens, closes in self._onward(moment):
            begin = max(opens, moment)
            if closes - begin >= hours:
                return begin + hours
            hours -= closes - begin
        raise NoWorkingTimeError

    def earlier(self, moment: datetime, hours: timedelta) -> datetime:
        """From when on so much time is worked up to here."""
        for opens, closes in self._backward(moment):
            end = min(closes, moment)
            if end - opens >= hours:
                return end - hours
            hours -= end - opens
        raise NoWorkingTimeError

    def is_working_day(self, day: date) -> bool:
        return bool(self.hours_of(day))

    def day(self, day: date, number: int) -> date:
        """The `number`-th working day after a date, before it when negative; the date itself for 0."""
        step = timedelta(days=1 if number > 0 else -1)
        free, budget = 0, current()
        while number:
            budget.spend(_STEP, "functions")
            day += step
            free += 1
            if self.is_working_day(day):
                number -= step.days
                free = 0
            elif free > MAX_FREE_DAYS:
                raise NoWorkingTimeError
        return day

    def hours_of(self, day: date) -> tuple[Span, ...]:
        """When work that begins on a date begins and ends, in order and without overlap."""
        if day not in self._known:
            self._spend(day)
            before = self._planned(day - timedelta(days=1))
            self._known[day] = tuple(_without(self._planned(day), [*before[-1:], *self.absences]))
        return self._known[day]

    def _spend(self, day: date) -> None:
        """Of the budget under way; planning, which reckons a few days for each rule, has none."""
        is_new = self.calendar.country is not None and day.year not in self._years
        self._years.add(day.year)
        hours = _HOURS * len(hours_on(self.calendar, day))
        current().spend(_DAY + hours + _YEAR * is_new, "functions")

    def _planned(self, day: date) -> list[Span]:
        """The day's hours as the calendar has them; hours that overlap are one."""
        merged: list[Span] = []
        for opens, closes in sorted(_on(day, hours, self.zone) for hours in hours_on(self.calendar, day)):
            if merged and opens <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
            elif opens < closes:
                merged.append((opens, closes))
        return merged

    def _onward(self, moment: datetime) -> Iterator[Span]:
        """Working time that ends here or later; the night before may reach into this day."""
        day = local_time(moment, self.zone).date().to_stdlib() - timedelta(days=1)
        return (span for span in self._days(day, timedelta(days=1)) if span[1] >= moment)

    def _backward(self, moment: datetime) -> Iterator[Span]:
        """Working time that begins here or earlier, the last first."""
        day = local_time(moment, self.zone).date().to_stdlib()
        return (span for span in self._days(day, timedelta(days=-1)) if span[0] <= moment)

    def _days(self, day: date, step: timedelta) -> Iterator[Span]:
        free, budget = 0, current()
        while free <= MAX_FREE_DAYS:
            budget.spend(_STEP, "functions")
            spans = self.hours_of(day)
            yield from spans if step.days > 0 else reversed(spans)
            free = 0 if spans else free + 1
            day += step
        raise NoWorkingTimeError


def hours_on(calendar: Calendar, day: date) -> tuple[Hours, ...]:
    """The hours of a date: its own, else none on a holiday, else those of its weekday."""
    if day in calendar.days:
        return calendar.days[day]
    if calendar.country and day in _holidays(calendar.country, calendar.subdivision, day.year):
        return ()
    return calendar.week.get(WEEKDAYS[day.weekday()], ())


@lru_cache(maxsize=4096)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Public holidays; none where the library knows no such country or year."""
    if not 1900 <= year <= 2200:
        return frozenset()
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError:
        return frozenset()


def _on(day: date, hours: Hours, zone: str) -> Span:
    closing = day if hours.closes > hours.opens else day + timedelta(days=1)
    return clock_on(day, hours.opens, zone), clock_on(closing, hours.closes, zone)


def clock_on(day: date, clock: str, zone: str) -> datetime:
    """A clock time of a date, as UTC."""
    time = Time.parse_iso(clock)
    return at_local(PlainDateTime(day.year, day.month, day.day, time.hour, time.minute), zone)


def _without(spans: list[Span], taken: list[Span]) -> Iterator[Span]:
    """What is left of the spans; what lies between two absences that touch is not left."""
    for opens, closes in spans:
        begin = opens
        for since, until in sorted(taken):
            if since < closes and until > begin:
                if begin < since:
                    yield begin, since
                begin = until
        if begin < closes:
            yield begin, closes


def of_employee(schedule: Schedule, company: Calendar, zone: str) -> WorkingTime:
    """An employee's working time: the company's days off and holidays, the hours of his own where he has some."""
    theirs = {day: hours for day, hours in company.days.items() if schedule.week is None or not hours}
    calendar = company.model_copy(
        update={"week": company.week if schedule.week is None else schedule.week, "days": theirs | schedule.days}
    )
    absences = tuple((one.from_, one.until) for one in schedule.absences)
    return WorkingTime(schedule.time_zone or zone, calendar, absences)
