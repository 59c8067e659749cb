"""Waits that services ask the engine for, on real servers: done at their moment, once, whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Envelope
from contracts.kit.clock import new_id
from contracts.messages.results import CommandDone, CommandRefused
from contracts.messages.rule_commands import ScheduleWait, StopWorkflows
from contracts.topics import RULE_COMMANDS
from support.engine import Deal
from support.messages import cancellation, order

NEXT_YEAR = timedelta(days=400)


def wait(deal: Deal, after: timedelta, id: UUID | None = None) -> Envelope[Any]:
    body = ScheduleWait(item_id=deal.item, until=datetime.now(UTC) + after, payload="what for")
    return order(body, deal.tenant, deal.item, id=id)


async def result(deal: Deal, command: UUID, count: int = 1) -> Any:
    return (await deal.harness.kafka_probe.results(command, count))[-1]


async def ask(deal: Deal, *commands: Envelope[Any]) -> None:
    await deal.harness.kafka_probe.publish(RULE_COMMANDS, *commands)


async def test_the_answer_comes_at_the_moment_with_what_was_given(deal: Deal) -> None:
    await deal.enters("new")
    asked = wait(deal, timedelta(seconds=2))

    await ask(deal, asked)

    assert await result(deal, asked.command_id) == CommandDone(
        command_id=asked.command_id, outputs={"payload": "what for"}
    )
    assert datetime.now(UTC) >= asked.data.until


@pytest.mark.invariant(2)
async def test_the_same_wait_twice_is_one_and_a_past_moment_is_done_at_once(deal: Deal) -> None:
    await deal.enters("new")
    asked = wait(deal, timedelta(seconds=-5))

    await ask(deal, asked, asked)
    await result(deal, asked.command_id)
    await ask(deal, asked)

    first, second = await deal.harness.kafka_probe.results(asked.command_id, 2)
    assert first == second == CommandDone(command_id=asked.command_id, outputs={"payload": "what for"})
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        runs = (await viewer.get("/v1/runs", params={"item_id": str(deal.item)})).json()["items"]
    assert len({one["run_id"] for one in runs}) <= 1


async def test_a_cancelled_wait_is_refused_and_never_done(deal: Deal) -> None:
    await deal.enters("new")
    asked, never = wait(deal, NEXT_YEAR), wait(deal, NEXT_YEAR, new_id())

    await ask(deal, asked)
    await ask(deal, cancellation(asked.command_id, deal.tenant, deal.item))
    await ask(deal, cancellation(never.command_id, deal.tenant, deal.item), never)

    assert isinstance(await result(deal, asked.command_id), CommandRefused)
    assert isinstance(await result(deal, never.command_id), CommandRefused)


async def test_rules_that_stop_workflows_leave_waits_alone(deal: Deal) -> None:
    await deal.enters("new")
    asked = wait(deal, timedelta(seconds=3))
    await ask(deal, asked)
    stop = order(StopWorkflows(item_id=deal.item, reason="enough"), deal.tenant, deal.item)
    await ask(deal, stop)
    assert (await result(deal, stop.command_id)).outputs == {"stopped": 0}

    assert isinstance(await result(deal, asked.command_id), CommandDone)
