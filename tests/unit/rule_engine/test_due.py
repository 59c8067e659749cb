"""When rules are due: now, after the entry, around a date of the item.

Every expected moment is worked out by hand. Moments are written as local time with offset. The weeks used: in 2026 the
2nd of March, the 20th of July, the 23rd of November and the 21st of December are Mondays; 2026-10-05 is one too.
"""

from typing import Any

import pytest

from rule_engine.domain.schedule.due import FIRST, Due, due
from support.due_times import HO_CHI_MINH, NEW_YORK, ROME, RUN_TIMES, moment_of, times, utc
from support.runs import snapshot


def test_now_has_no_due_time_of_its_own() -> None:
    assert moment_of({"when": "now"}, "2026-03-02T09:00:00Z", times()) is None


@pytest.mark.parametrize(
    ("entered", "zone", "after", "expected"),
    [
        # exact units do not care about clocks
        ("2026-03-02T09:00:00+01:00", ROME, {"seconds": 1}, "2026-03-02T09:00:01+01:00"),
        ("2026-03-02T09:00:00+01:00", ROME, {"minutes": 30}, "2026-03-02T09:30:00+01:00"),
        ("2026-03-29T01:30:00+01:00", ROME, {"hours": 1}, "2026-03-29T03:30:00+02:00"),
        ("2026-10-25T02:30:00+02:00", ROME, {"hours": 1}, "2026-10-25T02:30:00+01:00"),
        ("2026-10-24T12:00:00+02:00", ROME, {"hours": 24}, "2026-10-25T11:00:00+01:00"),
        # calendar units keep the local clock time
        ("2026-03-28T09:00:00+01:00", ROME, {"days": 1}, "2026-03-29T09:00:00+02:00"),
        ("2026-10-24T09:00:00+02:00", ROME, {"days": 1}, "2026-10-25T09:00:00+01:00"),
        ("2026-10-20T09:00:00+02:00", ROME, {"weeks": 1}, "2026-10-27T09:00:00+01:00"),
        # six months, to the second, over a change of clocks
        ("2026-11-22T15:04:05+01:00", ROME, {"months": 6}, "2027-05-22T15:04:05+02:00"),
        ("2026-06-30T23:59:59-04:00", NEW_YORK, {"months": 6}, "2026-12-30T23:59:59-05:00"),
        ("2026-08-28T23:00:00+02:00", ROME, {"months": 6}, "2027-02-28T23:00:00+01:00"),
        ("2026-09-01T00:00:00+02:00", ROME, {"months": 6}, "2027-03-01T00:00:00+01:00"),
        ("2027-01-15T12:00:00+01:00", ROME, {"months": 1}, "2027-02-15T12:00:00+01:00"),
        # a day that the month has not: the end of the month, between the 28th and the 1st
        ("2026-08-29T00:00:00+02:00", ROME, {"months": 6}, "2027-03-01T00:00:00+01:00"),
        ("2026-08-31T12:00:00+02:00", ROME, {"months": 6}, "2027-03-01T00:00:00+01:00"),
        ("2027-08-31T12:00:00+02:00", ROME, {"months": 6}, "2028-03-01T00:00:00+01:00"),
        ("2027-08-29T12:00:00+02:00", ROME, {"months": 6}, "2028-02-29T12:00:00+01:00"),
        ("2028-02-29T12:00:00+01:00", ROME, {"months": 12}, "2029-03-01T00:00:00+01:00"),
        ("2028-02-29T12:00:00+01:00", ROME, {"months": 48}, "2032-02-29T12:00:00+01:00"),
        ("2026-05-31T08:00:00+02:00", ROME, {"months": 1}, "2026-07-01T00:00:00+02:00"),
        ("2026-01-31T08:00:00+01:00", ROME, {"months": 1, "days": 1}, "2026-03-02T00:00:00+01:00"),
        ("2026-12-31T08:00:00+01:00", ROME, {"months": 2, "hours": 8}, "2027-03-01T08:00:00+01:00"),
        # a local time that does not exist: the first instant after the gap
        ("2026-03-28T02:30:00+01:00", ROME, {"days": 1}, "2026-03-29T03:00:00+02:00"),
        ("2026-03-07T02:30:00-05:00", NEW_YORK, {"days": 1}, "2026-03-08T03:00:00-04:00"),
        ("2026-09-05T00:30:00-04:00", "America/Santiago", {"days": 1}, "2026-09-06T01:00:00-03:00"),
        # a whole day that does not exist (Samoa skipped 30 December 2011)
        ("2011-12-29T12:00:00-10:00", "Pacific/Apia", {"days": 1}, "2011-12-31T00:00:00+14:00"),
        # a local time that occurs twice: the first of the two
        ("2026-10-24T02:30:00+02:00", ROME, {"days": 1}, "2026-10-25T02:30:00+02:00"),
        # an entry in an hour that occurs twice: the second time the clock stands until it is later than it has been
        ("2026-10-25T02:30:00+02:00", ROME, {"days": 1}, "2026-10-26T02:30:00+01:00"),
        ("2026-10-25T02:30:00+01:00", ROME, {"days": 1}, "2026-10-26T03:00:00+01:00"),
        ("2026-10-25T03:00:00+01:00", ROME, {"days": 1}, "2026-10-26T03:00:00+01:00"),
        # calendar part first, then the exact part
        ("2026-03-28T09:00:00+01:00", ROME, {"days": 1, "hours": 2}, "2026-03-29T11:00:00+02:00"),
        # the company's zone decides, not the offset the time was written in
        ("2026-03-28T23:30:00Z", HO_CHI_MINH, {"days": 1}, "2026-03-30T06:30:00+07:00"),
        # zones of half and quarter hours
        ("2026-03-28T09:00:00+05:45", "Asia/Kathmandu", {"months": 1}, "2026-04-28T09:00:00+05:45"),
        ("2026-04-04T01:45:00+11:00", "Australia/Lord_Howe", {"days": 1}, "2026-04-05T01:45:00+11:00"),
        ("2026-10-03T02:15:00+10:30", "Australia/Lord_Howe", {"days": 1}, "2026-10-04T02:30:00+11:00"),
        ("2026-09-26T02:50:00+12:45", "Pacific/Chatham", {"days": 1}, "2026-09-27T03:45:00+13:45"),
        # at a time of the day
        ("2026-11-22T10:00:00+01:00", ROME, {"days": 1, "clock": "14:00"}, "2026-11-23T14:00:00+01:00"),
        ("2026-11-22T23:30:00Z", ROME, {"days": 1, "clock": "14:00"}, "2026-11-24T14:00:00+01:00"),
        ("2026-03-28T10:00:00+01:00", ROME, {"days": 1, "clock": "02:30"}, "2026-03-29T03:00:00+02:00"),
        ("2026-10-24T10:00:00+02:00", ROME, {"days": 1, "clock": "02:30"}, "2026-10-25T02:30:00+02:00"),
        ("2026-01-31T10:00:00+01:00", ROME, {"months": 1, "clock": "09:00"}, "2026-02-28T09:00:00+01:00"),
    ],
)
def test_after_counts_from_the_entry_on_the_companys_clock(
    entered: str, zone: str, after: dict[str, Any], expected: str
) -> None:
    assert moment_of({"when": "after", **after}, entered, times(zone)) == utc(expected)


@pytest.mark.parametrize(
    ("value", "run", "expected"),
    [
        # a date is its midnight
        ("2026-11-24", {"when": "at"}, "2026-11-24T00:00:00+01:00"),
        ("2026-11-24", {"when": "at", "clock": "14:30"}, "2026-11-24T14:30:00+01:00"),
        ("2026-03-29", {"when": "at", "clock": "02:30"}, "2026-03-29T03:00:00+02:00"),
        ("2026-11-24", {"when": "before", "days": 1}, "2026-11-23T00:00:00+01:00"),
        ("2026-11-24", {"when": "before", "days": 1, "clock": "10:00"}, "2026-11-23T10:00:00+01:00"),
        ("2026-11-24", {"when": "before", "hours": 2}, "2026-11-23T22:00:00+01:00"),
        ("2026-11-24", {"when": "before", "minutes": 1}, "2026-11-23T23:59:00+01:00"),
        ("2026-11-24", {"when": "after", "weeks": 1}, "2026-12-01T00:00:00+01:00"),
        # months from a date: the last day of a month that is too short
        ("2027-03-31", {"when": "before", "months": 1}, "2027-02-28T00:00:00+01:00"),
        ("2028-03-31", {"when": "before", "months": 1}, "2028-02-29T00:00:00+01:00"),
        ("2028-02-29", {"when": "after", "months": 12}, "2029-02-28T00:00:00+01:00"),
        ("2027-05-31", {"when": "before", "months": 3, "clock": "08:00"}, "2027-02-28T08:00:00+01:00"),
        ("2028-03-01", {"when": "before", "days": 1}, "2028-02-29T00:00:00+01:00"),
        # moments keep their clock time, and the end of a month that is too short
        ("2026-11-24T16:20:00+01:00", {"when": "at"}, "2026-11-24T16:20:00+01:00"),
        ("2026-11-24T16:20:00+01:00", {"when": "at", "clock": "09:00"}, "2026-11-24T09:00:00+01:00"),
        ("2026-11-24T23:30:00Z", {"when": "at", "clock": "09:00"}, "2026-11-25T09:00:00+01:00"),
        ("2026-11-24T16:20:00+01:00", {"when": "before", "days": 1}, "2026-11-23T16:20:00+01:00"),
        ("2026-03-30T02:30:00+02:00", {"when": "before", "days": 1}, "2026-03-29T03:00:00+02:00"),
        ("2026-10-26T02:30:00+01:00", {"when": "before", "days": 1}, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T03:30:00+01:00", {"when": "before", "hours": 1}, "2026-10-25T02:30:00+01:00"),
        ("2027-03-31T12:00:00+02:00", {"when": "before", "months": 1}, "2027-03-01T00:00:00+01:00"),
        # beyond all calendars
        ("9999-12-31", {"when": "after", "months": 1200}, "2200-01-01T00:00:00Z"),
        ("0001-01-01", {"when": "before", "days": 400}, "1900-01-01T00:00:00Z"),
    ],
)
def test_a_date_of_the_item_can_be_counted_from(value: str, run: dict[str, Any], expected: str) -> None:
    clocks = times()
    assert moment_of(run | {"from": "item.fields.day"}, "2026-03-02T09:00:00Z", clocks, day=value) == utc(expected)


def test_a_fixed_date_and_the_days_of_creation_and_entry_can_be_counted_from() -> None:
    entered = "2026-11-22T23:30:00Z"
    christmas = {"when": "at", "date": "2026-12-24", "clock": "09:00"}
    created = {"when": "after", "from": "item.created_at", "days": 1}
    assert moment_of(christmas, entered, times()) == utc("2026-12-24T09:00:00+01:00")
    assert moment_of({"when": "at", "clock": "14:00"}, entered, times()) == utc("2026-11-23T14:00:00+01:00")
    assert moment_of(created, entered, times()) == utc("2026-03-03T09:00:00Z")


@pytest.mark.parametrize(("day", "expected"), [("9999-12-31", "2200-01-01"), ("0001-01-01", "1900-01-01")])
def test_a_fixed_date_beyond_all_calendars_counts_as_the_last_or_first_day(day: str, expected: str) -> None:
    found = moment_of({"when": "at", "date": day, "clock": "00:00"}, "2026-03-02T09:00:00Z", times("UTC"))
    assert found == utc(f"{expected}T00:00:00Z")


@pytest.mark.parametrize("value", [None, "", "soon", 7, ["2026-11-24"]])
def test_without_a_date_there_is_no_moment(value: Any) -> None:
    run = RUN_TIMES.validate_python({"when": "at", "from": "item.fields.day"})
    assert due(run, FIRST, snapshot(day=value), times(), FIRST) == Due(missing=True)
