"""Dates that change while rules wait for them, and people whose time counts: on real PostgreSQL, Kafka and Temporal."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.calendars import Absence, Schedule
from contracts.contexts import EmployeeContext
from contracts.kit.clock import utc_now
from contracts.messages.entity_commands import CreateTask
from contracts.messages.results import CommandFailed
from contracts.topics import ENTITY_EVENTS
from support.engine import Deal
from support.messages import fact
from support.waiting import eventually

DAY = timedelta(days=1)
REMIND = {
    "name": "remind",
    "type": "create_task",
    "execution": "parallel",
    "run": {"when": "before", "from": "item.fields.day", "days": 1},
    "params": {"name": "Call again"},
}
LONG_AGO = "2026-01-05T12:00:00+00:00"


def in_days(number: int) -> str:
    """So many days from now at noon UTC."""
    return (utc_now().replace(hour=12, minute=0, second=0, microsecond=0) + number * DAY).isoformat()


def day_before(day: str) -> datetime:
    """A day earlier on the clock of Rome is a day earlier at noon, give or take the hour of a clock change."""
    return datetime.fromisoformat(day) - DAY


async def is_due(deal: Deal, at: datetime) -> None:
    """Waits until the rule waits for that moment."""

    async def look() -> bool:
        found = (await deal.rules()).get("remind")
        if not found or found["state"] != "waiting" or not found["due_at"]:
            return False
        return abs(datetime.fromisoformat(found["due_at"]) - at) <= timedelta(hours=1)

    await eventually(look, f"the rule due {at}")


async def test_a_changed_date_moves_the_due_time_and_the_waiting_execution(deal: Deal) -> None:
    deal.fields = {"day": in_days(30)}
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    await is_due(deal, day_before(in_days(30)))
    await deal.is_edited("new", day=in_days(60))
    await is_due(deal, day_before(in_days(60)))
    await deal.is_edited("new", day=LONG_AGO)
    await deal.command(CreateTask)


async def test_an_older_version_of_the_item_moves_no_date(deal: Deal) -> None:
    deal.fields = {"day": in_days(30)}
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    older = await deal.is_edited("new", day=in_days(40))
    await deal.is_edited("new", day=in_days(60))
    await is_due(deal, day_before(in_days(60)))
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, fact(older.data, deal.tenant, deal.item))
    await deal.is_edited("new", other="a later event, so that the older one has been seen")
    await deal.enters("paid")
    cancelled = await deal.reaches("remind", "cancelled", entry_seq=1)
    assert abs(datetime.fromisoformat(cancelled["due_at"]) - day_before(in_days(60))) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("no_date", "state", "reason"),
    [("skip", "skipped", "item.fields.day is empty"), ("run_now", "running", None)],
)
async def test_an_emptied_date_ends_the_wait_as_the_rule_says(
    deal: Deal, no_date: str, state: str, reason: str | None
) -> None:
    deal.fields = {"day": in_days(30)}
    await deal.has_rules({"new": [REMIND | {"run": REMIND["run"] | {"no_date": no_date}}]})  # type: ignore[operator]
    await deal.enters("new")
    await deal.reaches("remind", "waiting")
    await deal.is_edited("new", day=None)
    assert (await deal.reaches("remind", state))["reason"] == reason


async def test_a_rule_waits_for_a_date_that_is_not_there_yet(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND | {"run": REMIND["run"] | {"no_date": "wait"}}]})  # type: ignore[operator]
    await deal.enters("new")
    waiting = await deal.reaches("remind", "waiting")
    assert (waiting["due_at"], waiting["reason"]) == (None, "waits for item.fields.day")
    await deal.is_edited("new", day=in_days(30))
    await is_due(deal, day_before(in_days(30)))
    await deal.is_edited("new", day=None)
    await eventually(lambda: _is_undated(deal), "the rule waits for a date again")
    await deal.is_edited("new", day=LONG_AGO)
    await deal.command(CreateTask)


async def _is_undated(deal: Deal) -> bool:
    found = (await deal.rules())["remind"]
    return (found["state"], found["due_at"]) == ("waiting", None)


async def test_a_postponed_rule_is_not_moved_by_its_date(deal: Deal) -> None:
    deal.fields = {"day": in_days(30)}
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    waiting = await deal.reaches("remind", "waiting")
    until = utc_now() + 3 * DAY
    assert (await deal.act(waiting, "postpone", {"until": until.isoformat()})).is_success
    await deal.is_edited("new", day=in_days(60))
    await deal.enters("paid")
    assert datetime.fromisoformat((await deal.reaches("remind", "cancelled", entry_seq=1))["due_at"]) == until


async def test_a_rule_waits_until_the_responsible_person_is_back_from_leave(deal: Deal) -> None:
    back = utc_now() + 20 * DAY
    everyday: dict[str, Any] = {
        one: [{"opens": "00:00", "closes": "00:00"}] for one in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    }
    away = Schedule(week=everyday, absences=(Absence(from_=utc_now() - DAY, until=back),))
    deal.responsible = EmployeeContext(id=uuid4(), name="Lee", first_name="Lee", schedule=away)
    await deal.has_rules({"new": [REMIND | {"run": {"when": "now", "working_time": "responsible"}}]})
    await deal.enters("new")
    assert datetime.fromisoformat((await deal.reaches("remind", "waiting"))["due_at"]) == back


async def test_a_failure_that_may_pass_is_tried_again_by_itself(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND | {"run": {"when": "now"}, "retry": {"times": 1, "after_seconds": 1}}]})
    await deal.enters("new")
    first = await deal.command(CreateTask)
    await deal.answer(first, CommandFailed(command_id=first.command_id, reason="away", retryable=True))
    second = await deal.command(CreateTask, 2)
    assert second.command_id != first.command_id
    await deal.is_done(second, task_id=str(uuid4()))
    assert (await deal.reaches("remind", "done"))["attempt"] == 1
