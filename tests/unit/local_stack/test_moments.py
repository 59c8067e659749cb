"""The demo's own calendar, against moments written by hand."""

from datetime import UTC, datetime, time

import pytest

from local_stack.demo.moments import months_after, tomorrow_at

ROME = "Europe/Rome"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "later"),
    [
        ("2026-01-15 10:00:00", "2026-07-15 09:00:00"),  # the clock time stays, summer time comes
        ("2026-08-31 10:00:00", "2027-02-28 23:00:00"),  # February has no 31st: its end
        ("2027-08-31 10:00:00", "2028-02-29 23:00:00"),
        ("2026-07-31 22:30:00", "2027-01-31 23:30:00"),  # in Rome it is the 1st of August already
        ("2025-09-29 00:30:00", "2026-03-29 01:00:00"),  # 02:30 does not exist on that day
        ("2026-04-25 00:30:00", "2026-10-25 00:30:00"),  # 02:30 comes twice: the first
    ],
)
def test_six_months_later_is_a_matter_of_the_calendar(moment: str, later: str) -> None:
    assert months_after(at(moment), 6, ROME) == at(later)


@pytest.mark.parametrize(
    ("moment", "tomorrow"),
    [
        ("2026-01-15 10:00:00", "2026-01-16 13:00:00"),
        ("2026-01-15 23:30:00", "2026-01-17 13:00:00"),  # past midnight in Rome
        ("2026-03-28 10:00:00", "2026-03-29 12:00:00"),
    ],
)
def test_tomorrow_is_counted_where_the_company_is(moment: str, tomorrow: str) -> None:
    assert tomorrow_at(at(moment), time(14), ROME) == at(tomorrow)
