"""`stack why` before a real rule-engine: what runs wait for, as a person reads it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from typer.testing import CliRunner

from contracts.kit.clock import new_id
from contracts.topics import item_key
from integration.rule_engine.authoring.engine import Deal, Engine
from integration.rule_engine.authoring.inboxes import DISCOUNT, SAM, begin
from local_stack.main import app as stack
from support.shop import SCHEMA, rule, rule_set

type Why = Callable[[UUID], Awaitable[list[str]]]

SMS = rule_set(new=[rule("greet", "send_sms", text="Hello")])


@pytest.fixture
def why_command(stack_folder: Path, tenant: UUID) -> Why:
    """The command; gives its lines."""

    async def told(id: UUID) -> list[str]:
        done = await asyncio.to_thread(CliRunner().invoke, stack, ["why", str(id), "--tenant", str(tenant)])
        return [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()]

    return told


async def one_greeting(author: httpx.AsyncClient, deal: Deal) -> None:
    """A deal whose one rule has sent its command."""
    assert (await author.put("/v1/rule-sets/sales", json=SMS | {"publish": True})).is_success
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)


async def put_aside(engine: Engine, deal: Deal) -> None:
    """A message about the deal among the engine's dead letters."""
    async with engine.database.delivery() as tx:
        await tx.execute(
            """INSERT INTO dead_letters (id, tenant_id, topic, partition, "offset", timestamp_ms, key, header_names,
                   header_values, size, complete, reason, detail, replays, put_aside_at, state)
               VALUES ($1, $2, 'crm.comms.results.v1', 0, 0, 0, $3, '{}', '{}', 0, true, 'failed', '', 0, $4,
                   'open')""",
            new_id(),
            deal.tenant,
            item_key(deal.tenant, deal.id).encode(),
            engine.watch.later(minutes=1),
        )


async def test_it_prints_what_a_run_waits_for_since_when_and_what_to_try(
    author: httpx.AsyncClient, deal: Deal, why_command: Why
) -> None:
    await one_greeting(author, deal)
    headline, _, line = await why_command(deal.id)
    run = UUID(headline.split()[1])
    assert headline == f"run {run} (stage new of sales, version 1) waits"
    assert line.startswith(
        "2026-03-02 09:00:00 its command is with comms-service since 2026-03-02T09:00:00+00:00 greet"
    )
    assert await why_command(run) == [headline, *(await why_command(deal.id))[1:]]


async def test_a_message_that_was_put_aside_and_a_row_that_the_broker_refuses_are_seen(
    author: httpx.AsyncClient, deal: Deal, engine: Engine, why_command: Why
) -> None:
    await one_greeting(author, deal)
    await put_aside(engine, deal)
    assert "a message about the item could not be taken in, maybe its result" in (await why_command(deal.id))[2]
    async with engine.database.delivery() as tx:
        key = item_key(deal.tenant, deal.id)
        parked = await tx.execute("UPDATE outbox SET parked_reason = 'too large' WHERE key = $1", key)
    assert parked != "UPDATE 0"
    assert "the broker does not take its command: too large greet an operator" in (await why_command(deal.id))[2]


async def test_an_employee_who_is_asked_and_absent_is_named(
    author: httpx.AsyncClient, deal: Deal, why_command: Why
) -> None:
    await begin(author, deal, DISCOUNT)
    back = deal.engine.watch() + timedelta(days=3)
    away = [one.model_copy(update={"absent_until": back if one.id == SAM else None}) for one in SCHEMA.employees]
    deal.engine.entity.schema = SCHEMA.model_copy(update={"employees": tuple(away)})
    names: dict[UUID, Any] = {one.id: one.name for one in SCHEMA.employees}
    lines = await why_command(deal.id)
    assert lines[0].endswith("(workflow asking, version 1) waits")
    said = f"absent: {names[SAM]} until 2026-03-05T09:00:00+00:00 (nobody answers for them) discount delegate it"
    assert said in lines[2]


async def test_an_item_that_waits_for_nothing_and_one_that_nobody_knows(
    author: httpx.AsyncClient, deal: Deal, why_command: Why
) -> None:
    await deal.enters("new")
    assert await why_command(deal.id) == ["it waits for nothing: every run of the item is finished"]
    unknown = new_id()
    assert f"{unknown} is no run, and no item that automation has heard of" in " ".join(await why_command(unknown))
