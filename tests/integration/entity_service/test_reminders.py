"""Reminders of planned activities: what the engine is asked to wait for, and who is told when it answers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts import topics
from contracts.envelope import Envelope
from contracts.messages.comms import Notify
from contracts.messages.results import CANCELLED, CancelCommand, CommandDone, CommandRefused, FinalResult
from contracts.messages.rule_commands import ScheduleWait
from integration.entity_service.harness import Tenant
from support.messages import answer

NOON = (datetime.now(UTC) + timedelta(days=30)).replace(hour=12, minute=0, second=0, microsecond=0)


async def planned(shop: Tenant, **values: Any) -> dict[str, Any]:
    person = await shop.put("/v1/employees/manager", {"first_name": "Kim"})
    item = await shop.deal(responsible_id=person["id"])
    wanted = {"name": "Visit", "deadline": NOON.isoformat(), "reminders": [15, 60]} | values
    made: dict[str, Any] = await shop.post(f"/v1/items/{item['id']}/planned-activities", wanted)
    return made


async def waits(shop: Tenant, count: int) -> list[Envelope[ScheduleWait]]:
    return await shop.events(ScheduleWait, count)


async def cancelled(shop: Tenant, count: int) -> set[UUID]:
    return {one.data.target for one in await shop.events(CancelCommand, count)}


async def answered(shop: Tenant, wait: Envelope[ScheduleWait], result: FinalResult) -> None:
    await shop.harness.kafka_probe.publish(topics.RULE_RESULTS, answer(wait, result, source="rule-engine"))


def done(wait: Envelope[ScheduleWait]) -> CommandDone:
    return CommandDone(command_id=wait.command_id, outputs={"payload": wait.data.payload})


async def test_each_reminder_is_waited_for_and_comes_as_a_notification_once(shop: Tenant) -> None:
    guest = (await shop.put("/v1/employees/fitter", {"first_name": "Alex"}))["id"]
    made = await planned(shop, guests=[guest])

    first, second = await waits(shop, 2)
    assert [one.data.until for one in (first, second)] == [NOON - timedelta(hours=1), NOON - timedelta(minutes=15)]
    assert {one.data.item_id for one in (first, second)} == {UUID(made["item_id"])}
    await answered(shop, first, done(first))
    await answered(shop, first, done(first))
    await answered(shop, second, done(second))

    told = [one.data for one in await shop.events(Notify, 2)]
    people = (UUID(made["responsible_id"]), UUID(guest))
    assert [one.recipients for one in told] == [people, people]
    assert [one.title for one in told] == ["Visit", "Visit"]


async def test_a_moved_deadline_moves_the_reminders_and_what_is_kept_stays(shop: Tenant) -> None:
    made = await planned(shop)
    before = await waits(shop, 2)
    path = f"/v1/planned-activities/{made['id']}"

    await shop.patch(path, {"deadline": (NOON + timedelta(minutes=45)).isoformat()})

    (added,) = (await waits(shop, 3))[2:]
    assert added.data.until == NOON + timedelta(minutes=30)
    assert await cancelled(shop, 1) == {
        one.command_id for one in before if one.data.until != NOON - timedelta(minutes=15)
    }


@pytest.mark.parametrize("how", ["move", "status"])
async def test_what_is_completed_reminds_nobody_even_if_the_engine_was_quicker(shop: Tenant, how: str) -> None:
    made = await planned(shop, complete_on_leave=True, reminders=[15])
    (wait,) = await waits(shop, 1)

    if how == "move":
        await shop.move({"id": made["item_id"]}, "talks")
    else:
        await shop.patch(f"/v1/planned-activities/{made['id']}", {"status": "done"})
    assert await cancelled(shop, 1) == {wait.command_id}
    await answered(shop, wait, done(wait))
    other = await planned(shop, reminders=[5])
    (later,) = (await waits(shop, 2))[1:]
    await answered(shop, later, done(later))

    told = await shop.events(Notify, 1)
    assert [one.correlation for one in told] == [f"reminder/{later.command_id}"]
    assert told[0].data.item_id == UUID(other["item_id"])


async def test_a_reminder_whose_moment_is_past_is_none(shop: Tenant) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=30)
    await planned(shop, deadline=soon.isoformat(), reminders=[60, 5])
    assert [one.data.until for one in await waits(shop, 1)] == [soon - timedelta(minutes=5)]


async def test_opened_again_it_is_waited_for_anew(shop: Tenant) -> None:
    made = await planned(shop, reminders=[15])
    (first,) = await waits(shop, 1)
    path = f"/v1/planned-activities/{made['id']}"
    await shop.patch(path, {"status": "done"})
    await answered(shop, first, CommandRefused(command_id=first.command_id, reason=CANCELLED))

    await shop.patch(path, {"status": "open"})

    _, again = await waits(shop, 2)
    assert again.command_id != first.command_id
    await answered(shop, again, done(again))
    assert len(await shop.events(Notify, 1)) == 1
