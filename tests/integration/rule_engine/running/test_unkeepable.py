"""What can never be written ends its own rule, with the reason, and holds up nobody else."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.envelope import MAX_BODY, MAX_CAUSES, Cause
from contracts.messages.comms import SendMessage
from contracts.messages.entity_commands import CreateTask, UpdateItem
from contracts.messages.results import CommandDone, CommandRefused
from contracts.topics import ENTITY_EVENTS
from integration.rule_engine.running.test_running import GREET
from integration.rule_engine.running.test_variables import defines
from support.engine import Deal, Harness
from support.waiting import eventually

NULL = "{{ '%00' | url_decode }}"
FIELD = "{{ item.fields.story }}" * 28
AFTER_IT = GREET | {"name": "after_it", "execution": "wait"}


def rule(name: str, type: str, /, **params: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "execution": "parallel", "on_failure": "continue", "params": params}


SETS_NULL = rule("sets_null", "set_variable", variable="note", value=NULL)

UNKEEPABLE = {
    "a null character in a variable": (SETS_NULL, "params.value: the value contains a null character"),
    "a null character in a text": (
        rule("tells", "notify_supervisor", text=f"a{NULL}b"),
        "params.text: the value contains a null character",
    ),
    "a null character from an expression": (
        rule("task", "create_task", name={"expr": "'\\x00'"}),
        "params.name: the value contains a null character",
    ),
    "a number of 300 digits": (
        rule("counts", "calculate", values=[{"name": "n", "value": {"expr": "1e300"}}]),
        "params.values[0].value: the expression cannot be computed: makes a number that is too large",
    ),
    "a command larger than the broker takes": (
        rule("doc", "create_document", template="invoice", fields=dict.fromkeys("abcd", FIELD)),
        f"at most {MAX_BODY} can be sent",
    ),
    "outputs that no row should hold": (
        rule("sums", "calculate", values=[{"name": f"v{n}", "value": FIELD} for n in range(5)]),
        "the rules of a run give at most",
    ),
}


@pytest.mark.parametrize("case", UNKEEPABLE)
async def test_what_cannot_be_kept_fails_its_rule_with_the_reason(deal: Deal, case: str) -> None:
    broken, reason = UNKEEPABLE[case]
    await defines(deal, "note", type="text")
    deal.fields = {"story": "ü" * 5_000}
    await deal.has_rules({"new": [broken, AFTER_IT]})
    await deal.enters("new")
    failed = await deal.reaches(broken["name"], "failed")
    assert reason in failed["reason"]
    await deal.command(SendMessage)


@pytest.mark.verify
async def test_a_hundred_such_runs_leave_the_slots_to_others(engine: Harness) -> None:
    first, other = Deal(engine), Deal(engine)
    await defines(first, "note", type="text")
    await first.has_rules({"new": [SETS_NULL]})
    await other.has_rules({"new": [GREET]})
    deals = [Deal(engine, tenant=first.tenant) for _ in range(105)]
    for deal in deals:
        await deal.enters("new")
    await other.enters("new")
    await other.command(SendMessage)
    for deal in deals:
        await deal.reaches("sets_null", "failed")


async def test_a_step_that_postgresql_refuses_fails_the_rule_that_made_it(engine: Harness) -> None:
    """Whatever was not foreseen: here, a constraint that the engine does not know."""
    deal = Deal(engine)
    await defines(deal, "note", type="text")
    await defines(deal, "other", type="text")
    await engine.service_environment.sql(
        f"""ALTER TABLE variable_values ADD CONSTRAINT unforeseen
            CHECK (tenant_id <> '{deal.tenant}' OR value <> '"poison"')"""
    )
    before = rule("before", "set_variable", variable="other", value="fine")
    poison = rule("poison", "set_variable", variable="note", value="poison") | {"execution": "wait"}
    await deal.has_rules({"new": [before, poison, AFTER_IT]})
    await deal.enters("new")
    await deal.command(SendMessage)
    rules = await deal.rules()
    assert (rules["before"]["state"], rules["poison"]["state"]) == ("done", "failed")
    assert "cannot be stored" in rules["poison"]["reason"]


async def test_what_an_owner_tells_is_kept_as_far_as_it_can_be(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET, GREET | {"name": "second"}, GREET | {"name": "third"}]})
    await deal.enters("new")
    first, second, third = [await deal.command(SendMessage, number) for number in (1, 2, 3)]
    await deal.answer(first, CommandDone(command_id=first.command_id, outputs={"message_id": "a\x00b"}))
    await deal.answer(second, CommandRefused(command_id=second.command_id, reason="no\x00" + "!" * 100_000))
    await deal.answer(third, CommandDone(command_id=third.command_id, outputs={"message_id": "m" * 800_000}))

    async def ended() -> dict[str, dict[str, Any]] | None:
        rules = await deal.rules()
        return rules if all(one["state"] in ("done", "refused") for one in rules.values()) else None

    rules = await eventually(ended)
    assert rules is not None
    said = sorted(one["reason"] for one in rules.values())
    assert [reason[:30] for reason in said] == sorted(
        ["its outputs cannot be kept: me", "its outputs have 800017 bytes:", "no�!!!!!!!!!!!!!!!!!!!!!!!!!!!"]
    )


async def test_a_newer_state_is_left_alone_until_its_worker_is_back(engine: Harness) -> None:
    deal = Deal(engine)
    await deal.has_rules({"new": [GREET | {"run": {"when": "after", "seconds": 2}}]})
    await deal.enters("new")
    waiting = await deal.reaches("greet", "waiting")
    newer = "UPDATE runs SET state = jsonb_set(state, '{format}', $2) WHERE id = $1"
    await engine.service_environment.sql(newer, waiting["run_id"], "99")

    async def put_off() -> bool:
        rows = await engine.service_environment.sql("SELECT failures FROM timers WHERE run_id = $1", waiting["run_id"])
        return bool(rows[0]["failures"] >= 1)

    await eventually(put_off, "the older worker leaves it")
    assert deal.commands() == []
    async with engine.service_environment.caller(deal.tenant, "author") as author:
        shown = await author.get(f"/v1/runs/{waiting['run_id']}/diagnosis")
    assert (shown.status_code, "a newer release" in shown.json()["detail"]) == (503, True)
    assert await engine.service_environment.sql(
        "SELECT state -> 'format' AS f FROM runs WHERE id = $1", waiting["run_id"]
    )
    await engine.service_environment.sql(newer, waiting["run_id"], "2")
    await deal.command(SendMessage)


async def test_the_cause_that_is_one_too_many_is_told_to_the_owner(deal: Deal) -> None:
    full = tuple(Cause(f"rule-{n}", str(deal.item)) for n in range(MAX_CAUSES))
    await deal.has_rules({"new": [GREET]})
    entered = await deal.enters("new", tell=False)
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, replace(entered, causepath=full))
    sent = await deal.command(SendMessage)
    assert sent.causepath[:-1] == full
    assert len(sent.causepath) == MAX_CAUSES + 1


async def test_a_title_that_becomes_too_long_is_cut_and_the_decision_says_so(deal: Deal) -> None:
    deal.fields = {"story": "s" * 498}
    task = rule("task", "create_task", name="Renewal for {{ item.fields.story }}")
    field = {"field": "title", "value": "Renewal for {{ item.fields.story }}"}
    await deal.has_rules({"new": [task, rule("name", "update_item", fields=[field])]})
    await deal.enters("new")
    made, changed = await deal.command(CreateTask), await deal.command(UpdateItem)
    wanted = f"Renewal for {'s' * 487}…"
    assert (made.data.name, changed.data.assignments[0].value) == (wanted, wanted)
    assert (await deal.reaches("task", "running"))["reason"] == "params.name: cut to 500 characters"
    assert (await deal.reaches("name", "running"))["reason"] == "params.fields[0].value: cut to 500 characters"
