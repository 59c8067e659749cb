"""Properties of due times, over all zones of the tz database."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.calendars import Calendar, Hours
from contracts.contexts import TenantSettings
from rule_engine.domain.schedule.calendar import WorkingTime, hours_on
from rule_engine.domain.schedule.clock import at_local, local_time
from rule_engine.domain.schedule.due import FIRST, due, times_of
from support.due_times import ROME, RUN_TIMES, utc
from support.runs import snapshot

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"}))
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
NEAR = st.one_of(st.timedeltas(timedelta(0), timedelta(hours=3)), st.timedeltas(timedelta(0), timedelta(days=70)))
CLOCKS = st.times().map(lambda clock: clock.strftime("%H:%M"))
HOURS = st.lists(st.builds(Hours, opens=CLOCKS, closes=CLOCKS), min_size=1, max_size=2).map(tuple)
WEEKS = st.dictionaries(st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun")), HOURS, min_size=1)
COUNTRIES = st.sampled_from([None, "IT", "US", "PL", "VN", "FR", "SA"])
CALENDARS = st.one_of(st.just(Calendar()), st.builds(Calendar, week=WEEKS, country=COUNTRIES))
NUMBERS: dict[str, st.SearchStrategy[int]] = {
    "months": st.integers(0, 24),
    "weeks": st.integers(0, 3),
    "days": st.integers(0, 40),
    "working_days": st.integers(0, 12),
    "working_hours": st.integers(0, 60),
    "hours": st.integers(0, 60),
    "seconds": st.integers(0, 100),
}
PERIODS = st.fixed_dictionaries({"minutes": st.integers(1, 1000)}, optional=NUMBERS)
DAY_PERIODS = st.fixed_dictionaries(
    {"days": st.integers(1, 40), "clock": CLOCKS},
    optional={name: NUMBERS[name] for name in ("months", "weeks", "working_days")},
)
WHOSE = st.sampled_from(["none", "company"])


@given(zone=ZONES, moment=MOMENTS, gap=NEAR, period=st.one_of(PERIODS, DAY_PERIODS), calendar=CALENDARS, whose=WHOSE)
@example(ROME, utc("2026-08-28T23:00:00+02:00"), timedelta(days=2), {"months": 6}, Calendar(), "none")
@example(ROME, utc("2026-10-25T02:45:00+02:00"), timedelta(minutes=30), {"days": 1}, Calendar(), "none")
@example(ROME, utc("2026-03-06T23:59:00+01:00"), timedelta(hours=12), {"working_days": 1}, Calendar(), "company")
@settings(max_examples=150)
def test_due_times_never_move_back_when_what_they_count_from_moves_on(  # noqa: PLR0913
    zone: str, moment: datetime, gap: timedelta, period: dict[str, Any], calendar: Calendar, whose: str
) -> None:
    clocks = times_of(TenantSettings(name="", time_zone=zone, calendar=calendar))
    dated = {**period, "working_time": whose, "from": "item.created_at"}
    after = RUN_TIMES.validate_python({"when": "after", **period, "working_time": whose})
    before = RUN_TIMES.validate_python({"when": "before", **dated})

    def both(at: datetime) -> tuple[datetime, datetime]:
        item = snapshot().model_copy(update={"created_at": at})
        found = due(after, at, item, clocks, at).at, due(before, at, item, clocks, FIRST).at
        assert found[0] is not None
        assert found[1] is not None
        return found[0], found[1]

    earlier, later = both(moment), both(moment + gap)
    assert earlier[0] <= later[0]
    assert earlier[1] <= later[1]
    assert "clock" in period or earlier[0] > moment
    if after.working != "none":
        assert all(is_worked(found, zone, calendar) for found in (*earlier, *later))


def is_worked(moment: datetime, zone: str, calendar: Calendar) -> bool:
    """By the wall clock alone: whether hours of today or yesterday hold the moment; near a clock change one of them may
    begin or end an hour and a half off.
    """
    slack = timedelta(hours=1.5) if _is_near_a_change(moment, zone) else timedelta(0)
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    days = (local.date() - timedelta(days=1), local.date())
    spans = [_on_the_wall(day, hours) for day in days for hours in hours_on(calendar, day)]
    return any(opens - slack <= local <= closes + slack for opens, closes in spans)


def _is_near_a_change(moment: datetime, zone: str) -> bool:
    hours = [moment + timedelta(hours=number) for number in range(-26, 27)]
    return len({hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours}) > 1


def _on_the_wall(day: date, hours: Hours) -> tuple[datetime, datetime]:
    opens, closes = (datetime.combine(day, time.fromisoformat(clock)) for clock in (hours.opens, hours.closes))
    return opens, closes + timedelta(days=1) if closes <= opens else closes


@given(zone=ZONES, moment=MOMENTS, gap=NEAR)
@settings(max_examples=150)
def test_local_clocks_never_run_backwards_and_lead_back_to_where_they_were(
    zone: str, moment: datetime, gap: timedelta
) -> None:
    assert local_time(moment, zone) <= local_time(moment + gap, zone)
    back = at_local(local_time(moment, zone), zone)
    assert local_time(back, zone) == local_time(moment, zone)


def test_in_every_zone_a_day_and_six_months_from_around_its_clock_changes_are_in_order() -> None:
    day, months = (RUN_TIMES.validate_python({"when": "after", **period}) for period in ({"days": 1}, {"months": 6}))
    for zone in sorted(available_timezones() - {"localtime"}):
        clocks = times_of(TenantSettings(name="", time_zone=zone))
        for change in _changes(zone):
            moments = [change + timedelta(minutes=30 * step) for step in range(-6, 54)]
            for run in (day, months):
                found = [str(due(run, at, snapshot(), clocks, at).at) for at in moments]
                assert found == sorted(found), zone


def _changes(zone: str) -> list[datetime]:
    """Midnights (UTC) of the days in 2026 and 2027 within which the offset changes."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(730)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def test_hours_that_overlap_count_once() -> None:
    hours = (Hours(opens="09:00", closes="12:00"), Hours(opens="11:00", closes="14:00"))
    working = WorkingTime(ROME, Calendar(week={"mon": hours}))
    assert working.hours_of(date(2026, 3, 2)) == ((utc("2026-03-02T09:00:00+01:00"), utc("2026-03-02T14:00:00+01:00")),)
