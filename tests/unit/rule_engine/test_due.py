"""When rules are due; every expected moment is worked out by hand."""

from datetime import UTC, datetime, time
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rule_engine.domain.document import After, Now
from rule_engine.domain.due import at_clock, due_at


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_now_has_no_due_time_of_its_own() -> None:
    assert due_at(Now(), utc("2026-03-02T09:00:00Z"), "Europe/Rome") is None


@pytest.mark.parametrize(
    ("entered", "zone", "after", "due"),
    [
        # exact units do not care about clocks
        ("2026-03-02T09:00:00+01:00", "Europe/Rome", {"minutes": 30}, "2026-03-02T09:30:00+01:00"),
        ("2026-03-29T01:30:00+01:00", "Europe/Rome", {"hours": 1}, "2026-03-29T03:30:00+02:00"),
        ("2026-10-25T02:30:00+02:00", "Europe/Rome", {"hours": 1}, "2026-10-25T02:30:00+01:00"),
        # calendar units keep the local clock time
        ("2026-03-28T09:00:00+01:00", "Europe/Rome", {"days": 1}, "2026-03-29T09:00:00+02:00"),
        ("2026-10-24T09:00:00+02:00", "Europe/Rome", {"days": 1}, "2026-10-25T09:00:00+01:00"),
        ("2026-10-20T09:00:00+02:00", "Europe/Rome", {"weeks": 1}, "2026-10-27T09:00:00+01:00"),
        # six months, to the second, over a change of clocks
        ("2026-11-22T15:04:05+01:00", "Europe/Rome", {"months": 6}, "2027-05-22T15:04:05+02:00"),
        ("2026-06-30T23:59:59-04:00", "America/New_York", {"months": 6}, "2026-12-30T23:59:59-05:00"),
        # months that are too short
        ("2026-08-31T12:00:00+02:00", "Europe/Rome", {"months": 6}, "2027-02-28T12:00:00+01:00"),
        ("2027-08-31T12:00:00+02:00", "Europe/Rome", {"months": 6}, "2028-02-29T12:00:00+01:00"),
        ("2028-02-29T12:00:00+01:00", "Europe/Rome", {"months": 12}, "2029-02-28T12:00:00+01:00"),
        # a local time that does not exist: the first instant after the gap
        ("2026-03-28T02:30:00+01:00", "Europe/Rome", {"days": 1}, "2026-03-29T03:00:00+02:00"),
        ("2026-03-07T02:30:00-05:00", "America/New_York", {"days": 1}, "2026-03-08T03:00:00-04:00"),
        ("2026-09-05T00:30:00-04:00", "America/Santiago", {"days": 1}, "2026-09-06T01:00:00-03:00"),
        # a whole day that does not exist (Samoa skipped 30 December 2011)
        ("2011-12-29T12:00:00-10:00", "Pacific/Apia", {"days": 1}, "2011-12-31T00:00:00+14:00"),
        # a local time that occurs twice: the first of the two
        ("2026-10-24T02:30:00+02:00", "Europe/Rome", {"days": 1}, "2026-10-25T02:30:00+02:00"),
        # calendar part first, then the exact part
        ("2026-03-28T09:00:00+01:00", "Europe/Rome", {"days": 1, "hours": 2}, "2026-03-29T11:00:00+02:00"),
        # the company's zone decides, not the offset the time was written in
        ("2026-03-28T23:30:00Z", "Asia/Ho_Chi_Minh", {"days": 1}, "2026-03-30T06:30:00+07:00"),
    ],
)
def test_after_counts_from_the_entry_on_the_companys_clock(
    entered: str, zone: str, after: dict[str, int], due: str
) -> None:
    assert due_at(After(**after), utc(entered), zone) == utc(due)


@pytest.mark.parametrize(
    ("now", "zone", "days", "clock", "moment"),
    [
        ("2026-11-22T10:00:00+01:00", "Europe/Rome", 1, time(14), "2026-11-23T14:00:00+01:00"),
        ("2026-11-22T23:30:00Z", "Europe/Rome", 1, time(14), "2026-11-24T14:00:00+01:00"),
        ("2026-03-28T10:00:00+01:00", "Europe/Rome", 1, time(2, 30), "2026-03-29T03:00:00+02:00"),
        ("2026-10-24T10:00:00+02:00", "Europe/Rome", 1, time(2, 30), "2026-10-25T02:30:00+02:00"),
    ],
)
def test_a_clock_time_of_another_day_is_read_on_the_companys_clock(
    now: str, zone: str, days: int, clock: time, moment: str
) -> None:
    assert at_clock(utc(now), zone, days=days, clock=clock) == utc(moment)


ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"}))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
PERIODS = st.builds(
    After,
    months=st.integers(0, 24),
    days=st.integers(0, 40),
    minutes=st.integers(1, 100_000),
)


@given(zone=ZONES, moment=MOMENTS, period=PERIODS)
@settings(max_examples=300, deadline=None)
def test_a_due_time_is_never_before_the_entry(zone: str, moment: datetime, period: After) -> None:
    due = due_at(period, moment, zone)
    assert due is not None
    assert due > moment
