"""When a rule is due: calendar arithmetic on local time, exact hours, working time (docs/decisions/0011).

A due time never moves back when what it counts from moves on: where a calendar has no such day or hour, or has an hour
twice, it is the least later moment that keeps this.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from whenever import Date, PlainDateTime, Time

from contracts.contexts import ContactContext, EmployeeContext, ItemContext, Part, TenantSettings
from contracts.moments import read_moment
from contracts.values import ItemSnapshot
from rule_engine.domain.schedule.calendar import NoWorkingTimeError, WorkingTime, clock_on, of_employee
from rule_engine.domain.schedule.clock import at_local, local_time
from rule_engine.domain.schedule.run_time import ENTRY, At, Before, Now, Period, RunTime

AT_WORK_LOOK = timedelta(minutes=5)
"""How often to check whether the person has clocked in."""
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Dates before and after count as these."""


@dataclass(frozen=True, slots=True)
class Times:
    """Whose clocks and working time count; what is not known of a person is as in the company."""

    company: WorkingTime
    responsible: WorkingTime | None = None
    client_zone: str | None = None
    at_work: bool | None = None
    """Whether the responsible person has clocked in; null where that is not tracked."""

    def zone(self, run: RunTime) -> str:
        match run.time_zone:
            case "responsible" if self.responsible is not None:
                return self.responsible.zone
            case "client" if self.client_zone is not None:
                return self.client_zone
            case _:
                return self.company.zone

    def working(self, run: RunTime) -> tuple[WorkingTime, ...]:
        """The working time to count with, and what stands in for a person who has none; empty: all time counts."""
        if run.working == "none":
            return ()
        if run.working == "responsible" and self.responsible is not None:
            return self.responsible, self.company
        return (self.company,)


def times_of(
    tenant: TenantSettings, responsible: EmployeeContext | None = None, client: ContactContext | None = None
) -> Times:
    """From what entity-service tells."""
    company = WorkingTime(tenant.time_zone, tenant.calendar)
    schedule = responsible.schedule if responsible else None
    return Times(
        company,
        of_employee(schedule, tenant.calendar, tenant.time_zone) if schedule else None,
        client.time_zone if client else None,
        schedule.at_work if schedule else None,
    )


def parts_for(run: RunTime) -> frozenset[Part]:
    """The parts of an item's context whose clocks or working time count."""
    parts: set[Part] = set()
    if "responsible" in (run.working, run.time_zone):
        parts.add("responsible")
    if run.time_zone == "client":
        parts.add("contacts")
    return frozenset(parts)


def times_in(context: ItemContext) -> Times:
    return times_of(context.tenant, context.responsible, context.contact)


@dataclass(frozen=True, slots=True)
class Due:
    """`at` null: as soon as the rule's turn comes; `missing`: the date it counts from is empty."""

    at: datetime | None = None
    missing: bool = False


def due(run: RunTime, entered_at: datetime, item: ItemSnapshot, times: Times, since: datetime) -> Due:
    """The moment (UTC) from which the rule may act, as seen at `since`.

    What is past already may act at once, with working time at the next working moment from `since` on.
    """
    base: date | datetime | None = since if isinstance(run, Now) else _base(run, entered_at, item)
    if base is None:
        return Due(missing=True)
    if isinstance(run, Now) and run.working == "none":
        return Due()
    for working in times.working(run):
        try:
            moment = _bounded(_moment(run, base, times.zone(run), working))
            return Due(_in_working_time(run, moment, times, working, since))
        except NoWorkingTimeError:
            continue
    return Due(_bounded(_moment(run, base, times.zone(run), None)))


def _bounded(moment: datetime) -> datetime:
    return min(max(moment, FIRST), LAST)


def _bounded_day(day: date) -> date:
    return min(max(day, FIRST.date()), LAST.date())


def date_in(item: ItemSnapshot, path: str) -> date | datetime | None:
    """The date or moment at a path of the item; null when it is empty."""
    match path.split("."):
        case ["item", "fields", code]:
            return _parsed(item.fields.get(code))
        case ["item", "created_at"]:
            return item.created_at
        case _:
            return item.updated_at


def _parsed(value: object) -> date | datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = read_moment(value)
        if moment.tzinfo is None:
            return _bounded_day(moment.date())
        return _bounded(moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _base(run: Period | At, entered_at: datetime, item: ItemSnapshot) -> date | datetime | None:
    if isinstance(run, At) and run.date is not None:
        return _bounded_day(run.date)
    return entered_at if run.from_ == ENTRY else date_in(item, run.from_)


def _in_working_time(run: RunTime, moment: datetime, times: Times, working: WorkingTime, since: datetime) -> datetime:
    if run.working == "responsible" and times.at_work is False:
        since += AT_WORK_LOOK
    nearest = _backwards(run, moment, working) if isinstance(run, Before) else working.next(moment)
    return working.next(since) if nearest < since else nearest


def _backwards(run: Before, moment: datetime, working: WorkingTime) -> datetime:
    """The nearest working moment before; a period in working days leads to a working day, and stays on it."""
    last = working.last(moment)
    if run.working_days and last < moment:
        opening = working.hours_of(local_time(moment, working.zone).date().to_stdlib())[:1]
        return max([last, *(opens for opens, _ in opening if opens > moment)])
    return last


def _moment(run: RunTime, base: date | datetime, zone: str, working: WorkingTime | None) -> datetime:
    """Where the run time points to, before it is moved into working time."""
    match run:
        case Now():
            return _as_moment(base, zone)
        case At(clock=clock):
            return _as_moment(base, zone) if clock is None else clock_on(_as_date(base, zone), clock, zone)
        case Period():
            return _exactly(run, _calendar_step(run, base, zone, working), working)


def _as_date(base: date | datetime, zone: str) -> date:
    return local_time(base, zone).date().to_stdlib() if isinstance(base, datetime) else base


def _as_moment(base: date | datetime, zone: str) -> datetime:
    return base if isinstance(base, datetime) else clock_on(base, "00:00", zone)


def _calendar_step(run: Period, base: date | datetime, zone: str, working: WorkingTime | None) -> datetime:
    """Months, weeks, days and working days from a date, or from a moment on the local clock."""
    if run.clock is not None or not isinstance(base, datetime):
        return clock_on(_date_step(run, _as_date(base, zone), working), run.clock or "00:00", zone)
    if not (run.months or run.weeks or run.days or run.working_days):
        return base
    return at_local(_local_step(run, local_time(base, zone), working), zone)


def _date_step(run: Period, day: date, working: WorkingTime | None) -> date:
    """A shortened month gives its last day."""
    stepped = Date(day).add(months=run.sign * run.months, days=run.sign * _days(run)).to_stdlib()
    return working.day(stepped, run.sign * run.working_days) if working else stepped


def _local_step(run: Period, local: PlainDateTime, working: WorkingTime | None) -> PlainDateTime:
    """A day that a shortened month has not is the end of its last day; a free day is the begin of the next working day.

    Nothing else would come after all that is before it, and before all that comes after it.
    """
    moved = local.add(months=run.sign * run.months)
    if moved.day != local.day:
        moved = moved.date().add(days=1).at(Time())
    moved = moved.add(days=run.sign * _days(run))
    if not run.working_days or working is None:
        return moved
    day = moved.date().to_stdlib()
    if not working.is_working_day(day):
        day, moved = working.day(day, 1), moved.replace_time(Time())
    return moved.replace_date(Date(working.day(day, run.sign * run.working_days)))


def _days(run: Period) -> int:
    return 7 * run.weeks + run.days


def _exactly(run: Period, moment: datetime, working: WorkingTime | None) -> datetime:
    """Working hours, then hours by the clock."""
    hours = timedelta(hours=run.working_hours)
    if hours and working is not None:
        moment = (working.later if run.sign > 0 else working.earlier)(moment, hours)
    return moment + run.sign * timedelta(hours=run.hours, minutes=run.minutes, seconds=run.seconds)
