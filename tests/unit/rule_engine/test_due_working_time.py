"""When rules are due in working time: Monday to Friday from nine to six, public holidays of Italy.

Every expected moment is worked out by hand. Moments are written as local time with offset. The weeks used: in 2026 the
2nd of March, the 20th of July, the 23rd of November and the 21st of December are Mondays; 2026-10-05 is one too.
"""

from typing import Any

import pytest

from support.due_times import moment_of, times, utc

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
