"""When rules are due by the schedule, absences and zone of a person.

Every expected moment is worked out by hand. Moments are written as local time with offset. The weeks used: in 2026 the
2nd of March, the 20th of July, the 23rd of November and the 21st of December are Mondays; 2026-10-05 is one too.
"""

from typing import Any

import pytest

from contracts.contexts import TenantSettings
from rule_engine.domain.schedule.due import AT_WORK_LOOK, times_of
from support.due_times import HO_CHI_MINH, NEW_YORK, ROME, moment_of, times, utc

ITALY = {"country": "IT"}
AFTER_AN_HOUR = {"when": "after", "hours": 1}


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
