"""Waiting runs moved to another version, on real servers: Temporal wakes them when the new version says."""

from typing import Any

import pytest

from contracts.messages.comms import SendMessage
from integration.rule_engine.running.test_running import open_executions
from support.engine import Deal
from support.waiting import eventually


def asking(**run: Any) -> list[dict[str, Any]]:
    greet = {"name": "greet", "type": "send_sms", "params": {"text": "Hello"}}
    ask = {"name": "ask", "type": "send_sms", "run": {"when": "after", **run}, "params": {"text": "Well?"}}
    return [greet, ask]


def pausing(*before: dict[str, Any], **time: Any) -> dict[str, Any]:
    pause = {"block": "pause", "name": "a_while", "run": {"when": "after", **time}}
    tell = {"block": "action", "name": "tell", "type": "send_sms", "params": {"text": "Well?"}}
    return {"kind": "deal", "autorun": {"on_create": True}, "blocks": [*before, pause, tell], "publish": True}


async def has_workflow(deal: Deal, document: dict[str, Any]) -> None:
    async with deal.harness.service_environment.caller(deal.tenant, "author") as author:
        answer = await author.put("/v1/workflows/waiting", json=document)
    assert answer.is_success, answer.text


async def pauses(deal: Deal) -> None:
    async def look() -> bool:
        rows = await deal.harness.service_environment.sql(
            "SELECT FROM rule_runs WHERE tenant_id = $1 AND name = 'a_while' AND state = 'waiting'", deal.tenant
        )
        return bool(rows)

    await eventually(look, "the pause")


async def migrated(deal: Deal, path: str) -> list[dict[str, Any]]:
    """What became of each run, once the migration is done."""
    async with deal.harness.service_environment.caller(deal.tenant, "operator") as operator:
        answer = await operator.post(f"{path}/migrations", json={"dry_run": False})
        assert answer.status_code == 202, answer.text
        one = f"{path}/migrations/{answer.json()['id']}"

        async def done() -> bool:
            return bool((await operator.get(one)).json()["status"] == "done")

        await eventually(done, "the migration's end")
        found: list[dict[str, Any]] = (await operator.get(f"{one}/runs")).json()["items"]
        return found


@pytest.mark.invariant(2)
@pytest.mark.invariant(12)
async def test_a_rule_that_waits_for_half_a_year_acts_once_when_the_new_version_says(deal: Deal) -> None:
    await deal.has_rules({"new": asking(months=6)})
    await deal.enters("new")
    await deal.is_done(await deal.command(SendMessage))
    waiting = await deal.reaches("ask", "waiting")
    (old,) = await eventually(lambda: open_executions(deal.harness, waiting["run_id"]))
    await deal.has_rules({"new": asking(seconds=1)})
    (run,) = await migrated(deal, "/v1/rule-sets/sales")
    assert (run["moves"], run["from_version"]) == (True, 1)
    await deal.is_done(await deal.command(SendMessage, 2))
    asked = await deal.reaches("ask", "done")
    assert asked["version"] == 2

    async def old_is_gone() -> bool:
        return old not in await open_executions(deal.harness, waiting["run_id"])

    await eventually(old_is_gone, "the end of the execution that waited for half a year")
    assert len(deal.commands(SendMessage)) == 2


@pytest.mark.invariant(2)
async def test_a_result_that_is_under_way_is_taken_in_by_the_new_version(deal: Deal) -> None:
    await deal.has_rules({"new": asking(months=6)})
    await deal.enters("new")
    greeting = await deal.command(SendMessage)
    await deal.has_rules({"new": asking(seconds=1)})
    (run,) = await migrated(deal, "/v1/rule-sets/sales")
    assert (run["after"][0]["name"], run["after"][0]["state"], run["after"][0]["next"]) == ("greet", "running", "ask")
    await deal.is_done(greeting)
    await deal.command(SendMessage, 2)
    assert len(deal.commands(SendMessage)) == 2


async def test_a_workflow_that_pauses_in_a_block_that_stands_elsewhere_goes_on_there(deal: Deal) -> None:
    await has_workflow(deal, pausing(days=7))
    await deal.enters("new")
    await pauses(deal)
    log = {"block": "log", "name": "before", "text": "not for this run"}
    await has_workflow(deal, pausing(log, seconds=1))
    (run,) = await migrated(deal, "/v1/workflows/waiting")
    assert [one["name"] for one in run["after"]] == ["a_while"]
    await deal.command(SendMessage)
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        seen = (await viewer.get(f"/v1/runs/{run['run_id']}")).json()
    assert (seen["version"], [one["name"] for one in seen["rules"]]) == (2, ["a_while", "tell"])


async def test_a_workflow_whose_block_was_removed_stays_in_its_version(deal: Deal) -> None:
    await has_workflow(deal, pausing(hours=1))
    await deal.enters("new")
    awaiting = {"block": "wait_event", "name": "other", "event": "command.go", "timeout": {"when": "after", "days": 1}}
    await pauses(deal)
    await has_workflow(deal, pausing() | {"blocks": [awaiting]})
    (run,) = await migrated(deal, "/v1/workflows/waiting")
    assert (run["moves"], run["reason"]) == (False, "a_while is not there any more")
