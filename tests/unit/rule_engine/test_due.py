"""When rules are due; every expected moment is worked out by hand.

Moments are written as local time with offset. The weeks used: in 2026 the 2nd of March, the 20th of July, the 23rd of
November and the 21st of December are Mondays; 2026-10-05 is one too.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.calendars import Calendar, Hours, Schedule
from contracts.contexts import ContactContext, EmployeeContext, FieldSchema, TenantSettings
from rule_engine.domain.authoring.run_times import run_time_issues
from rule_engine.domain.language import value_types
from rule_engine.domain.schedule.calendar import WorkingTime, hours_on
from rule_engine.domain.schedule.clock import at_local, local_time
from rule_engine.domain.schedule.due import AT_WORK_LOOK, FIRST, Due, Times, due, times_of
from rule_engine.domain.schedule.run_time import RunTime
from support.runs import ITEM, snapshot

RUN_TIMES: TypeAdapter[RunTime] = TypeAdapter(RunTime)
ROME, NEW_YORK, HO_CHI_MINH = "Europe/Rome", "America/New_York", "Asia/Ho_Chi_Minh"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def times(zone: str = ROME, calendar: Mapping[str, Any] | None = None, **person: Any) -> Times:
    """A company's times; with anything about a person those of a responsible person, who has a schedule then."""
    tenant = TenantSettings(name="A shop", time_zone=zone, calendar=Calendar.model_validate(calendar or {}))
    schedule = Schedule.model_validate(person) if person else None
    sam = EmployeeContext(id=ITEM, name="Sam", first_name="Sam", schedule=schedule)
    return times_of(tenant, sam, ContactContext(id=ITEM, first_name="", last_name="", name="", time_zone=NEW_YORK))


def moment_of(run: dict[str, Any], entered: str, clocks: Times, **fields: Any) -> datetime | None:
    found = due(RUN_TIMES.validate_python(run), utc(entered), snapshot(**fields), clocks, utc(entered))
    assert not found.missing
    return found.at


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


# working time: Monday to Friday from nine to six, public holidays of Italy

ITALY = {"country": "IT"}
NIGHT = {
    "week": {day: [{"opens": "22:00", "closes": "06:00"}] for day in ("mon", "tue", "wed", "thu", "fri")},
    "country": "IT",
}
LUNCH = [{"opens": "09:00", "closes": "13:00"}, {"opens": "14:00", "closes": "18:00"}]
SHOP = {"week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), LUNCH), "country": "IT"}
AFTER_AN_HOUR = {"when": "after", "hours": 1}


@pytest.mark.parametrize(
    ("entered", "run", "calendar", "expected"),
    [
        # hours by the clock end at a working moment, or at the next one
        ("2026-03-02T10:00:00+01:00", AFTER_AN_HOUR, ITALY, "2026-03-02T11:00:00+01:00"),
        ("2026-03-02T17:00:00+01:00", AFTER_AN_HOUR, ITALY, "2026-03-02T18:00:00+01:00"),
        ("2026-03-02T17:00:01+01:00", AFTER_AN_HOUR, ITALY, "2026-03-03T09:00:00+01:00"),
        ("2026-03-06T17:30:00+01:00", AFTER_AN_HOUR, ITALY, "2026-03-09T09:00:00+01:00"),
        ("2026-03-07T12:00:00+01:00", AFTER_AN_HOUR, ITALY, "2026-03-09T09:00:00+01:00"),
        ("2026-03-02T12:15:00+01:00", AFTER_AN_HOUR, SHOP, "2026-03-02T14:00:00+01:00"),
        # now, in and out of working time
        ("2026-03-02T10:00:00+01:00", {"when": "now"}, ITALY, "2026-03-02T10:00:00+01:00"),
        ("2026-03-01T10:00:00+01:00", {"when": "now"}, ITALY, "2026-03-02T09:00:00+01:00"),
        ("2026-03-02T03:00:00+01:00", {"when": "now"}, ITALY, "2026-03-02T09:00:00+01:00"),
        # public holidays: Easter Monday, Liberation Day on a Saturday, Christmas and St Stephen's, a city's patron
        ("2026-04-05T12:00:00+02:00", {"when": "now"}, ITALY, "2026-04-07T09:00:00+02:00"),
        ("2026-04-24T18:30:00+02:00", {"when": "now"}, ITALY, "2026-04-27T09:00:00+02:00"),
        ("2026-12-24T17:30:00+01:00", AFTER_AN_HOUR, ITALY, "2026-12-28T09:00:00+01:00"),
        ("2026-12-07T18:30:00+01:00", {"when": "now"}, ITALY, "2026-12-09T09:00:00+01:00"),
        ("2026-12-07T09:00:00+01:00", {"when": "now"}, ITALY | {"subdivision": "MI"}, "2026-12-09T09:00:00+01:00"),
        # a day off and a working Saturday of the company's own
        ("2026-03-02T10:00:00+01:00", {"when": "now"}, {"days": {"2026-03-02": []}}, "2026-03-03T09:00:00+01:00"),
        (
            "2026-03-06T19:00:00+01:00",
            {"when": "now"},
            {"days": {"2026-03-07": [{"opens": "10:00", "closes": "14:00"}]}},
            "2026-03-07T10:00:00+01:00",
        ),
        # the working time of a night shift belongs to the evening before
        ("2026-03-02T12:00:00+01:00", {"when": "now"}, NIGHT, "2026-03-02T22:00:00+01:00"),
        ("2026-03-07T05:00:00+01:00", {"when": "now"}, NIGHT, "2026-03-07T05:00:00+01:00"),
        ("2026-03-07T06:00:01+01:00", {"when": "now"}, NIGHT, "2026-03-09T22:00:00+01:00"),
        # working hours
        ("2026-03-02T17:00:00+01:00", {"when": "after", "working_hours": 2}, ITALY, "2026-03-03T10:00:00+01:00"),
        ("2026-03-02T09:00:00+01:00", {"when": "after", "working_hours": 9}, ITALY, "2026-03-02T18:00:00+01:00"),
        ("2026-03-06T17:00:00+01:00", {"when": "after", "working_hours": 10}, ITALY, "2026-03-09T18:00:00+01:00"),
        ("2026-03-07T12:00:00+01:00", {"when": "after", "working_hours": 1}, ITALY, "2026-03-09T10:00:00+01:00"),
        ("2026-03-02T12:00:00+01:00", {"when": "after", "working_hours": 2}, SHOP, "2026-03-02T15:00:00+01:00"),
        ("2026-03-06T23:00:00+01:00", {"when": "after", "working_hours": 8}, NIGHT, "2026-03-09T23:00:00+01:00"),
        # a night shift is an hour shorter, or longer, when the clocks change
        (
            "2026-03-28T21:00:00+01:00",
            {"when": "after", "working_hours": 7},
            {"week": {"sat": [{"opens": "22:00", "closes": "06:00"}]}},
            "2026-03-29T06:00:00+02:00",
        ),
        (
            "2026-10-24T21:00:00+02:00",
            {"when": "after", "working_hours": 9},
            {"week": {"sat": [{"opens": "22:00", "closes": "06:00"}]}},
            "2026-10-25T06:00:00+01:00",
        ),
        # working days keep the clock time, and end in working time
        ("2026-03-02T10:00:00+01:00", {"when": "after", "working_days": 1}, ITALY, "2026-03-03T10:00:00+01:00"),
        ("2026-03-06T10:00:00+01:00", {"when": "after", "working_days": 1}, ITALY, "2026-03-09T10:00:00+01:00"),
        ("2026-03-06T20:00:00+01:00", {"when": "after", "working_days": 1}, ITALY, "2026-03-10T09:00:00+01:00"),
        ("2026-03-07T12:00:00+01:00", {"when": "after", "working_days": 1}, ITALY, "2026-03-10T09:00:00+01:00"),
        ("2026-12-23T10:00:00+01:00", {"when": "after", "working_days": 3}, ITALY, "2026-12-29T10:00:00+01:00"),
        (
            "2026-03-07T12:00:00+01:00",
            {"when": "after", "working_days": 1, "clock": "11:00"},
            ITALY,
            "2026-03-09T11:00:00+01:00",
        ),
        ("2026-03-06T10:00:00+01:00", {"when": "after", "days": 1}, ITALY, "2026-03-09T09:00:00+01:00"),
        ("2026-10-02T10:00:00+02:00", {"when": "after", "months": 6}, ITALY, "2027-04-02T10:00:00+02:00"),
        ("2026-09-28T10:00:00+02:00", {"when": "after", "months": 6}, ITALY, "2027-03-30T09:00:00+02:00"),
    ],
)
def test_working_time_puts_off_until_the_next_working_moment(
    entered: str, run: dict[str, Any], calendar: dict[str, Any], expected: str
) -> None:
    assert moment_of(run | {"working_time": "company"}, entered, times(calendar=calendar)) == utc(expected)


@pytest.mark.parametrize(
    ("value", "run", "expected"),
    [
        # backwards, to the end of the working time before
        ("2026-03-09", {"when": "before", "days": 1}, "2026-03-06T18:00:00+01:00"),
        ("2026-03-09T10:00:00+01:00", {"when": "before", "hours": 2}, "2026-03-06T18:00:00+01:00"),
        ("2026-03-09T12:00:00+01:00", {"when": "before", "hours": 2}, "2026-03-09T10:00:00+01:00"),
        ("2026-04-07T12:00:00+02:00", {"when": "before", "days": 1}, "2026-04-03T18:00:00+02:00"),
        # working hours and days before
        ("2026-03-09T10:00:00+01:00", {"when": "before", "working_hours": 2}, "2026-03-06T17:00:00+01:00"),
        ("2026-03-09T13:00:00+01:00", {"when": "before", "working_hours": 4}, "2026-03-09T09:00:00+01:00"),
        ("2026-03-08T13:00:00+01:00", {"when": "before", "working_hours": 9}, "2026-03-06T09:00:00+01:00"),
        ("2026-03-09T10:00:00+01:00", {"when": "before", "working_days": 1}, "2026-03-06T10:00:00+01:00"),
        ("2026-03-09T20:00:00+01:00", {"when": "before", "working_days": 1}, "2026-03-06T18:00:00+01:00"),
        # a date: the working day before, from its opening on
        ("2026-03-09", {"when": "before", "working_days": 1}, "2026-03-06T09:00:00+01:00"),
        ("2026-03-08", {"when": "before", "working_days": 1}, "2026-03-06T09:00:00+01:00"),
        ("2026-03-09", {"when": "before", "working_days": 3, "clock": "16:00"}, "2026-03-04T16:00:00+01:00"),
        ("2026-04-08", {"when": "before", "working_days": 2, "clock": "10:00"}, "2026-04-03T10:00:00+02:00"),
        # at: onwards
        ("2026-03-08", {"when": "at"}, "2026-03-09T09:00:00+01:00"),
        ("2026-03-09", {"when": "at", "clock": "20:00"}, "2026-03-10T09:00:00+01:00"),
    ],
)
def test_before_a_date_working_time_counts_backwards(value: str, run: dict[str, Any], expected: str) -> None:
    run = run | {"from": "item.fields.day", "working_time": "company"}
    found = moment_of(run, "2026-02-02T09:00:00Z", times(calendar=ITALY), day=value)
    assert found == utc(expected)


@pytest.mark.parametrize(
    ("run", "entered", "expected"),
    [
        ({"when": "before", "days": 3}, "2026-03-02T10:00:00+01:00", "2026-02-28T00:00:00+01:00"),
        ({"when": "at"}, "2026-03-07T10:00:00+01:00", "2026-03-03T00:00:00+01:00"),
        ({"when": "at", "working_time": "company"}, "2026-03-04T10:00:00+01:00", "2026-03-04T10:00:00+01:00"),
        ({"when": "at", "working_time": "company"}, "2026-03-07T10:00:00+01:00", "2026-03-09T09:00:00+01:00"),
        (
            {"when": "before", "days": 3, "working_time": "company"},
            "2026-03-02T20:00:00+01:00",
            "2026-03-03T09:00:00+01:00",
        ),
    ],
)
def test_what_is_past_is_due_at_once_with_working_time_at_the_next_working_moment(
    run: dict[str, Any], entered: str, expected: str
) -> None:
    found = moment_of(run | {"from": "item.fields.day"}, entered, times(calendar=ITALY), day="2026-03-03")
    assert found == utc(expected)


# people

ABSENT = {"absences": [{"from": "2026-07-20T00:00:00+02:00", "until": "2026-08-01T00:00:00+02:00"}]}
PART_TIME = {"week": {"tue": [{"opens": "09:00", "closes": "12:00"}], "thu": [{"opens": "13:00", "closes": "17:00"}]}}


@pytest.mark.parametrize(
    ("entered", "run", "person", "expected"),
    [
        # on leave for two weeks, back on Monday
        ("2026-07-20T10:00:00+02:00", {"when": "now"}, ABSENT, "2026-08-03T09:00:00+02:00"),
        ("2026-07-17T17:30:00+02:00", AFTER_AN_HOUR, ABSENT, "2026-08-03T09:00:00+02:00"),
        ("2026-07-17T17:00:00+02:00", {"when": "after", "working_hours": 2}, ABSENT, "2026-08-03T10:00:00+02:00"),
        ("2026-07-17T10:00:00+02:00", {"when": "after", "working_days": 1}, ABSENT, "2026-08-03T10:00:00+02:00"),
        # away for an afternoon
        (
            "2026-03-02T12:30:00+01:00",
            AFTER_AN_HOUR,
            {"absences": [{"from": "2026-03-02T13:00:00+01:00", "until": "2026-03-02T16:00:00+01:00"}]},
            "2026-03-02T16:00:00+01:00",
        ),
        # hours of his own, in a zone of his own
        ("2026-03-02T10:00:00+01:00", {"when": "now"}, PART_TIME, "2026-03-03T09:00:00+01:00"),
        ("2026-03-03T12:30:00+01:00", {"when": "now"}, PART_TIME, "2026-03-05T13:00:00+01:00"),
        ("2026-03-02T10:00:00+01:00", {"when": "now"}, {"time_zone": NEW_YORK}, "2026-03-02T09:00:00-05:00"),
        # the company's holidays are his, too; its working Saturday only if he has no week of his own
        ("2026-12-24T18:30:00+01:00", {"when": "now"}, {"time_zone": ROME}, "2026-12-28T09:00:00+01:00"),
        ("2026-12-24T18:30:00+01:00", {"when": "now"}, PART_TIME, "2026-12-29T09:00:00+01:00"),
        ("2026-03-06T19:00:00+01:00", {"when": "now"}, {"time_zone": ROME}, "2026-03-07T10:00:00+01:00"),
        ("2026-03-06T19:00:00+01:00", {"when": "now"}, PART_TIME, "2026-03-10T09:00:00+01:00"),
        # who has no working time at all: the company's
        ("2026-03-01T19:00:00+01:00", {"when": "now"}, {"week": {}}, "2026-03-02T09:00:00+01:00"),
    ],
)
def test_the_responsible_persons_schedule_and_absences_count(
    entered: str, run: dict[str, Any], person: dict[str, Any], expected: str
) -> None:
    clocks = times(calendar=ITALY | {"days": {"2026-03-07": [{"opens": "10:00", "closes": "14:00"}]}}, **person)
    assert moment_of(run | {"working_time": "responsible"}, entered, clocks) == utc(expected)


def test_without_a_responsible_person_the_companys_working_time_counts() -> None:
    run = {"when": "now", "working_time": "responsible"}
    assert moment_of(run, "2026-03-01T12:00:00Z", times()) == utc("2026-03-02T09:00:00+01:00")


def test_somebody_who_has_not_clocked_in_is_looked_for_again_in_his_working_time() -> None:
    run = {"when": "now", "working_time": "responsible"}
    away, there = times(at_work=False), times(at_work=True)
    assert moment_of(run, "2026-03-02T10:00:00+01:00", away) == utc("2026-03-02T10:00:00+01:00") + AT_WORK_LOOK
    assert moment_of(run, "2026-03-02T17:58:00+01:00", away) == utc("2026-03-03T09:00:00+01:00")
    assert moment_of(run, "2026-03-02T10:00:00+01:00", there) == utc("2026-03-02T10:00:00+01:00")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("company", "2026-11-24T09:00:00+01:00"),
        ("responsible", "2026-11-24T09:00:00+07:00"),
        ("client", "2026-11-24T09:00:00-05:00"),
    ],
)
def test_clock_times_are_read_in_the_zone_of_company_responsible_or_client(zone: str, expected: str) -> None:
    run = {"when": "at", "from": "item.fields.day", "clock": "09:00", "time_zone": zone}
    clocks = times(time_zone=HO_CHI_MINH)
    assert moment_of(run, "2026-03-02T09:00:00Z", clocks, day="2026-11-24") == utc(expected)


def test_who_has_no_zone_has_the_companys() -> None:
    tenant = TenantSettings(name="A shop", time_zone=ROME)
    for zone in ("responsible", "client"):
        run = {"when": "at", "clock": "09:00", "time_zone": zone}
        assert moment_of(run, "2026-11-24T01:00:00Z", times_of(tenant)) == utc("2026-11-24T09:00:00+01:00")


# what can be written


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"when": "after"}, "give at least one of months"),
        ({"when": "before", "days": 1}, "from"),
        ({"when": "before", "days": 1, "from": "entry"}, "from"),
        ({"when": "after", "hours": 1, "clock": "10:00"}, "a clock time goes with"),
        ({"when": "after", "days": -1}, "greater than or equal to 0"),
        ({"when": "after", "days": 1, "from": "contact.birthday"}, "from"),
        ({"when": "at"}, "give a date, or from"),
        ({"when": "at", "date": "2026-12-24", "from": "item.fields.day"}, "not both"),
        ({"when": "at", "clock": "24:00"}, "clock"),
        ({"when": "now", "days": 1}, "days"),
        ({"when": "now", "working_time": "somebody"}, "working_time"),
    ],
)
def test_a_run_time_that_makes_no_sense_is_refused(run: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RUN_TIMES.validate_python(run)


def test_only_single_dates_and_moments_of_the_item_can_be_counted_from() -> None:
    fields = [
        FieldSchema(code="day", name="Day", kind="deal", type="date"),
        FieldSchema(code="size", name="Size", kind="deal", type="text"),
        FieldSchema(code="days", name="Days", kind="deal", type="date", multiple=True),
    ]
    names = value_types.names("deal", fields, {})

    def found(path: str) -> list[str]:
        return [what for _, what in run_time_issues(RUN_TIMES.validate_python({"when": "at", "from": path}), names)]

    assert found("item.fields.day") == found("item.created_at") == []
    assert found("item.fields.dya") == ["there is no name 'dya' in item.fields: did you mean 'day'?"]
    assert found("item.fields.size") == ["item.fields.size is a text: count from a date or a moment"]
    assert found("item.fields.days") == ["item.fields.days is a list: count from a date or a moment"]


# properties, over all zones of the tz database

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
@settings(max_examples=600)
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
@settings(max_examples=600)
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
