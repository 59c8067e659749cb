"""Rules that start workflows, on real servers: what the engine commands itself to do, and what it answers."""

from typing import Any
from uuid import uuid4

import pytest

from contracts.kit.clock import new_id
from contracts.messages.comms import SendMessage
from contracts.messages.results import CANCELLED, CommandDone, CommandRefused
from contracts.messages.rule_commands import StartWorkflow
from contracts.topics import RULE_COMMANDS
from support.engine import Deal
from support.messages import cancellation, order
from support.waiting import eventually

A_WEEK = {"when": "after", "days": 7}
WORD = {"word": {"type": "string", "required": True}}
GREETED = {"block": "log", "name": "greeted", "text": "{{ param.word }}"}
NOTED = {"block": "set_variables", "name": "noted", "values": {"calls": 2}}
PAUSE = {"block": "pause", "name": "a_week", "run": A_WEEK}


def start(workflow: str = "greeting", name: str = "begin", **params: Any) -> dict[str, Any]:
    return {"name": name, "type": "start_workflow", "params": {"workflow": workflow, **params}}


def told(text: str) -> dict[str, Any]:
    """A rule that says what the rule before it has put out."""
    return {"name": "told", "type": "send_sms", "params": {"text": text}}


def starting(workflow: str) -> dict[str, Any]:
    """A block that starts a workflow."""
    rule = start(workflow, f"start_{workflow}")
    return {"block": "action", **rule}


async def has_workflow(deal: Deal, *blocks: dict[str, Any], code: str = "greeting", **parts: Any) -> None:
    document = {"kind": "deal", "blocks": blocks, "publish": True, **parts}
    async with deal.harness.service_environment.caller(deal.tenant, "author") as author:
        answer = await author.put(f"/v1/workflows/{code}", json=document)
    assert answer.is_success, answer.text


async def run_of(deal: Deal) -> dict[str, Any]:
    """The one run of a workflow on the deal, once it is there."""

    async def look() -> dict[str, Any] | None:
        async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
            rows = (await viewer.get("/v1/runs", params={"item_id": str(deal.item)})).json()["items"]
            ids = {row["run_id"] for row in rows if row["workflow"]}
            assert len(ids) <= 1
            return (await viewer.get(f"/v1/runs/{ids.pop()}")).json() if ids else None

    found = await eventually(look, "the workflow to start")
    assert found is not None
    return found


async def act(deal: Deal, run: dict[str, Any], what: str, **body: Any) -> None:
    async with deal.harness.service_environment.caller(deal.tenant, "operator") as operator:
        answer = await operator.post(f"/v1/runs/{run['id']}/{what}", json=body)
    assert answer.is_success, answer.text


async def test_a_rule_starts_a_workflow_and_goes_on(deal: Deal) -> None:
    await has_workflow(deal, GREETED, PAUSE, parameters=WORD)
    begin = start(parameters={"word": "Hello, {{ contact.first_name }}"})
    await deal.has_rules({"new": [begin, told("{{ steps.begin.workflow_id }}")]})
    await deal.enters("new")
    await deal.reaches("begin", "done")
    run = await run_of(deal)
    assert (await deal.command(SendMessage)).data.text == run["id"]
    assert (run["started_by"], run["finished"]) == ("rule:begin", False)


async def test_a_rule_that_waits_is_done_when_the_workflow_has_ended_and_gives_on_what_it_says(deal: Deal) -> None:
    variables = {"calls": {"type": "int", "value": 0}}
    await has_workflow(deal, NOTED, PAUSE, variables=variables)
    ended = "{{ steps.begin.workflow_id }}: {{ steps.begin.outcome }}, {{ steps.begin.variables.calls }} calls"
    await deal.has_rules({"new": [start(wait_for_end=True), told(ended)]})
    await deal.enters("new")
    await deal.reaches("begin", "running")
    run = await run_of(deal)

    async def waits() -> bool:
        return run["id"] in ((await deal.rules())["begin"]["reason"] or "")

    await eventually(waits, "the rule to say what it waits for")
    step = await step_of(deal, "a_week")
    await act(deal, run, f"blocks/{step}/skip")
    await deal.reaches("begin", "done")
    assert (await deal.command(SendMessage)).data.text == f"{run['id']}: done, 2 calls"


async def step_of(deal: Deal, block: str) -> int:
    """Of a block in the journal, once it waits."""

    async def look() -> int | None:
        rows = (await run_of(deal))["rules"]
        return next((row["step"] for row in rows if row["name"] == block and row["state"] == "waiting"), None)

    found = await eventually(look, f"{block} to wait")
    assert found is not None
    return found


async def test_a_rule_that_waits_fails_with_the_workflow(deal: Deal) -> None:
    end = {"block": "terminate", "name": "over", "outcome": "failed", "reason": "nobody answers"}
    await has_workflow(deal, end)
    await deal.has_rules({"new": [start(wait_for_end=True)]})
    await deal.enters("new")
    rule = await deal.reaches("begin", "failed")
    assert rule["reason"] == "workflow 'greeting' ended as failed: nobody answers"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"item": str(uuid4())}, "there is no item"),
        ({}, "parameters.word: is required"),
        ({"parameters": {"word": "Hi", "ghost": 1}}, "parameters.ghost: the workflow has no such"),
    ],
)
async def test_what_cannot_be_started_is_refused_with_the_reason(
    deal: Deal, params: dict[str, Any], reason: str
) -> None:
    await has_workflow(deal, GREETED, parameters=WORD)
    await deal.has_rules({"new": [start(**params)]})
    await deal.enters("new")
    assert reason in (await deal.reaches("begin", "refused"))["reason"]


async def test_a_workflow_that_was_archived_is_refused(deal: Deal) -> None:
    await has_workflow(deal, PAUSE)
    await deal.has_rules({"new": [start()]})
    await has_workflow(deal, PAUSE, archived=True)
    await deal.enters("new")
    assert (await deal.reaches("begin", "refused"))["reason"] == "there is no published workflow 'greeting'"


def keyed(policy: str) -> dict[str, Any]:
    return {"concurrency": {"key": "{{ item.id }}", "policy": policy}}


async def started_by_hand(deal: Deal, code: str = "greeting", **parameters: Any) -> str:
    async with deal.harness.service_environment.caller(deal.tenant, "operator") as operator:
        answer = await operator.post(
            f"/v1/workflows/{code}/runs", json={"item_id": str(deal.item), "parameters": parameters}
        )
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def reaches(deal: Deal, run: str, **wanted: Any) -> dict[str, Any]:
    """The run once it looks so; `blocks` are those of its journal."""

    async def look() -> dict[str, Any] | None:
        async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
            found: dict[str, Any] = (await viewer.get(f"/v1/runs/{run}")).json()
        seen = found | {"blocks": [(row["name"], row["state"]) for row in found["rules"]]}
        return found if seen.items() >= wanted.items() else None

    made = await eventually(look, f"{run} to have {wanted}")
    assert made is not None
    return made


async def test_a_rule_starts_nothing_while_a_run_with_the_same_key_goes_on(deal: Deal) -> None:
    await has_workflow(deal, PAUSE, **keyed("refuse"))
    await deal.has_rules({"new": [start()]})
    deal.see("new")
    first = await started_by_hand(deal)
    await deal.enters("new")
    reason = f"run {first} of workflow 'greeting' goes on for the key '{deal.item}'"
    assert (await deal.reaches("begin", "refused"))["reason"] == reason


async def test_a_queued_run_begins_when_the_one_before_it_has_ended(deal: Deal) -> None:
    await has_workflow(deal, PAUSE, **keyed("queue"))
    deal.see("new")
    first, second = await started_by_hand(deal), await started_by_hand(deal)
    await reaches(deal, first, blocks=[("a_week", "waiting")])
    assert (await reaches(deal, second, queued=True))["rules"] == []
    await act(deal, {"id": first}, "terminate", reason="enough")
    await reaches(deal, second, queued=False, blocks=[("a_week", "waiting")])


async def test_a_later_run_ends_the_earlier_one_and_begins(deal: Deal) -> None:
    await has_workflow(deal, PAUSE, **keyed("replace"))
    deal.see("new")
    first = await started_by_hand(deal)
    await reaches(deal, first, blocks=[("a_week", "waiting")])
    second = await started_by_hand(deal)
    await reaches(deal, first, outcome="cancelled", reason=f"replaced by run {second}")
    await reaches(deal, second, blocks=[("a_week", "waiting")])


@pytest.mark.parametrize("scope", ["others", "all"])
async def test_a_run_ends_the_others_of_its_workflow_on_the_item_and_deletes_their_data(deal: Deal, scope: str) -> None:
    variables = {"calls": {"type": "int", "value": 3}}
    over = {"block": "terminate", "name": "over", "scope": scope, "reason": "a later one", "data": "delete"}
    later = {"block": "if", "name": "i", "branches": [{"condition": {"expr": "param.later"}, "blocks": [over]}]}
    asked = {"later": {"type": "bool", "value": False}}
    await has_workflow(deal, later, PAUSE, variables=variables, parameters=asked)
    await has_workflow(deal, PAUSE, code="another")
    deal.see("new")
    first, second = await started_by_hand(deal), await started_by_hand(deal)
    another = await started_by_hand(deal, "another")
    await reaches(deal, second, blocks=[("i", "skipped"), ("a_week", "waiting")])
    last = await started_by_hand(deal, later=True)
    for run in (first, second):
        await reaches(deal, run, outcome="cancelled", reason="a later one", finished=True)
    if scope == "others":
        await reaches(deal, last, blocks=[("i", "done"), ("over", "done"), ("a_week", "waiting")])
    else:
        await reaches(deal, last, outcome="cancelled", finished=True)
    assert (await reaches(deal, another, finished=False))["outcome"] is None
    rows = await deal.harness.service_environment.sql(
        "SELECT state->'variables' AS kept FROM runs WHERE tenant_id = $1 AND rule_set = 'greeting'", deal.tenant
    )
    assert [row["kept"] is None for row in rows].count(True) == (2 if scope == "others" else 3)


async def test_workflows_that_start_each_other_end_by_name(deal: Deal) -> None:
    await has_workflow(deal, PAUSE, code="second")
    await has_workflow(deal, starting("second"), code="first")
    await has_workflow(deal, starting("first"), code="second")
    await deal.has_rules({"new": [start("first")]})
    await deal.enters("new")

    async def refused() -> list[str]:
        async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
            asked = {"item_id": str(deal.item), "state": "refused"}
            rows = (await viewer.get("/v1/runs", params=asked)).json()["items"]
        return [row["reason"] for row in rows]

    (reason,) = await eventually(refused, "the circle to be stopped")
    assert reason.startswith("automation runs in a circle: workflow/first acts on this item a second time")


async def test_leaving_the_stage_ends_the_workflow_that_its_rule_waits_for(deal: Deal) -> None:
    await has_workflow(deal, PAUSE)
    first = {"name": "ready", "type": "calculate", "params": {"values": [{"name": "one", "value": 1}]}}
    await deal.has_rules({"new": [first, start(wait_for_end=True)]})
    await deal.enters("new")
    await deal.reaches("begin", "running")
    await step_of(deal, "a_week")
    await deal.enters("won")
    rule = await deal.reaches("begin", "failed", entry_seq=1)
    assert "ended as cancelled: whoever started it has cancelled that" in rule["reason"]
    assert (await run_of(deal))["outcome"] == "cancelled"


async def test_the_same_command_again_is_one_run_and_one_cancelled_before_it_comes_is_none(deal: Deal) -> None:
    await has_workflow(deal, PAUSE)
    deal.see("new")
    wanted = StartWorkflow(item_id=deal.item, workflow="greeting", started_by="rule:it")
    probe, cancelled = deal.harness.kafka_probe, new_id()
    again = order(wanted, deal.tenant, deal.item)
    await probe.publish(RULE_COMMANDS, again)
    await probe.publish(RULE_COMMANDS, cancellation(cancelled, deal.tenant, deal.item))
    await probe.publish(RULE_COMMANDS, order(wanted, deal.tenant, deal.item, id=cancelled))
    await probe.results(again.command_id)
    await probe.publish(RULE_COMMANDS, again)

    done, same = await probe.results(again.command_id, 2)
    assert isinstance(done, CommandDone)
    assert same == done
    assert (await run_of(deal))["id"] == done.outputs["run_id"]
    refused = CommandRefused(command_id=cancelled, reason=CANCELLED)
    assert await probe.results(cancelled, 2) == [refused, refused]


def after_a_week(name: str) -> dict[str, Any]:
    return {"name": name, "type": "send_sms", "execution": "parallel", "run": A_WEEK, "params": {"text": "Hello"}}


async def test_a_rule_ends_the_workflows_of_one_template_and_leaves_others(deal: Deal) -> None:
    await has_workflow(deal, PAUSE)
    await has_workflow(deal, PAUSE, code="other")
    other = start("other", "begin_other")
    stop = {"name": "stop", "type": "stop_workflows", "params": {"workflow": "greeting"}}
    await deal.has_rules({"new": [start(), other], "won": [stop, told("{{ steps.stop.stopped }} stopped")]})
    await deal.enters("new")
    await deal.reaches("begin_other", "done")
    await deal.enters("won")
    await deal.reaches("stop", "done")
    assert (await deal.command(SendMessage)).data.text == "1 stopped"
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        rows = (await viewer.get("/v1/runs", params={"item_id": str(deal.item)})).json()["items"]
        runs = [(await viewer.get(f"/v1/runs/{one}")).json() for one in {r["run_id"] for r in rows if r["workflow"]}]
    assert {(one["rule_set"], one["outcome"]) for one in runs} == {("greeting", "cancelled"), ("other", None)}


async def test_a_rule_cancels_what_waits_of_a_stage_and_its_own_chain_goes_on(deal: Deal) -> None:
    stay = {"on_leave": "finish"}
    stop = {"name": "stop", "type": "stop_automation", "params": {"stage": "new"}}
    after = [after_a_week("own_stage"), {**stop, "execution": "parallel"}, told("{{ steps.stop.stopped }} stopped")]
    await deal.has_rules({"new": [after_a_week("one") | stay, after_a_week("two") | stay], "won": after})
    await deal.enters("new")
    await deal.reaches("two", "waiting")
    await deal.enters("won")
    assert (await deal.command(SendMessage)).data.text == "2 stopped"
    for rule in ("one", "two"):
        assert (await deal.reaches(rule, "cancelled", entry_seq=1))["reason"] == "stopped by rule:stop"
    await deal.reaches("own_stage", "waiting")
