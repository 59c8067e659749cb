"""Stage changes in, commands out, results in: on real PostgreSQL, Kafka and Temporal."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from contracts.envelope import Envelope
from contracts.kit.clock import utc_now
from contracts.messages.comms import Notify, SendMessage
from contracts.messages.entity_commands import CreateTask
from contracts.messages.entity_events import StageChanged
from contracts.messages.results import CANCELLED, CancelCommand
from contracts.messages.rule_events import RunChanged
from contracts.topics import ENTITY_EVENTS
from support.engine import Deal, Harness
from support.waiting import eventually

GREET = {
    "name": "greet",
    "type": "send_sms",
    "execution": "parallel",
    "params": {"text": "Hello {{ contact.first_name }}"},
}
REMIND = {
    "name": "remind",
    "type": "notify_supervisor",
    "execution": "parallel",
    "run": {"when": "after", "minutes": 30},
    "condition": {"path": "item.activity_count", "op": "eq", "value": 0},
    "params": {"text": "Nobody called {{ contact.name }}"},
}
LATER = {
    "name": "later",
    "type": "create_task",
    "execution": "parallel",
    "run": {"when": "after", "months": 6},
    "params": {"name": "Call again"},
}


async def open_executions(harness: Harness, run_id: str) -> list[str]:
    """Ids of the run's open executions, as Temporal's listing has them by now."""
    query = f"WorkflowId STARTS_WITH 'run/{run_id}/' AND ExecutionStatus='Running'"
    return [execution.id async for execution in harness.temporal.list_workflows(query)]


async def test_a_stage_change_becomes_a_command_and_its_result_ends_the_rule(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET]})
    await deal.enters("new")
    sent = await deal.command(SendMessage)
    assert (sent.data.to, sent.data.text) == ("+390212345678", "Hello Ada")
    assert (sent.issuer, sent.causepath[-1].item_id) == ("rule-engine", str(deal.item))
    await deal.reaches("greet", "running")
    await deal.is_done(sent, message_id="m-1", sent_to="+390212345678")
    done = await deal.reaches("greet", "done")
    assert UUID(done["command_id"]) == sent.command_id
    assert await deal.harness.service_environment.sql("SELECT 1 FROM timers WHERE tenant_id = $1", deal.tenant) == []


async def test_a_rule_that_waits_for_another_sees_its_outputs(deal: Deal) -> None:
    follow = {"name": "note", "type": "create_task", "params": {"name": "Sent as {{ steps.greet.message_id }}"}}
    await deal.has_rules({"new": [GREET, follow]})
    await deal.enters("new")
    message_id = str(uuid4())
    await deal.is_done(await deal.command(SendMessage), message_id=message_id, sent_to="+390212345678")
    task = await deal.command(CreateTask)
    assert task.data.name == f"Sent as {message_id}"
    run_id = (await deal.reaches("greet", "done"))["run_id"]
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        run = (await viewer.get(f"/v1/runs/{run_id}")).json()
    (outputs,) = [one["outputs"] for one in run["rules"] if one["name"] == "greet"]
    assert outputs == {"message_id": message_id, "sent_to": "+390212345678"}
    assert task.data.expect_entry_seq == 1


async def test_every_state_of_a_run_is_told_as_an_event(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET]})
    await deal.enters("new")
    await deal.is_refused(await deal.command(SendMessage), "opted out")
    refused = await deal.reaches("greet", "refused")
    assert refused["reason"] == "opted out"

    async def look() -> list[str]:
        changes = [m.data for m in deal.harness.kafka_probe.said(deal.tenant, RunChanged)]
        return [data.state for data in changes] if len(changes) >= 2 else []

    assert await eventually(look) == ["running", "refused"]


async def test_a_delayed_rule_waits_in_temporal_and_cancelled_when_the_item_leaves(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND]})
    moved = await deal.enters("new")
    waiting = await deal.reaches("remind", "waiting")
    assert datetime.fromisoformat(waiting["due_at"]) == moved.data.at + timedelta(minutes=30)
    assert await eventually(lambda: open_executions(deal.harness, waiting["run_id"])) == [f"run/{waiting['run_id']}/1"]
    await deal.enters("paid")
    cancelled = await deal.reaches("remind", "cancelled", entry_seq=1)
    assert cancelled["reason"] == "left the stage"

    async def gone() -> bool:
        return not await open_executions(deal.harness, waiting["run_id"])

    await eventually(gone, "the waiting execution's end")
    assert deal.commands() == []


async def test_a_short_wait_ends_by_itself_and_the_condition_sees_the_values_of_that_moment(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND | {"run": {"when": "after", "seconds": 2}}]})
    await deal.enters("new")
    deal.activity_count = 3
    deal.see("new")
    skipped = await deal.reaches("remind", "skipped")
    assert skipped["reason"] == "item.activity_count = 0 is false: it is 3"
    assert skipped["leaves"][0]["seen"] == 3


async def test_run_now_postpone_and_cancel_move_a_waiting_rule_and_leave_an_audit_entry(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND, LATER]})
    await deal.enters("new")
    later = await deal.reaches("later", "waiting")
    until = (utc_now() + timedelta(days=3)).isoformat()
    assert (await deal.act(later, "postpone", {"until": until})).json()["states"] == {"later": "waiting"}
    moved = (await deal.rules())["later"]
    assert datetime.fromisoformat(moved["due_at"]) == datetime.fromisoformat(until)
    assert (await deal.act(later, "run-now")).is_success
    await deal.command(CreateTask)
    remind = (await deal.rules())["remind"]
    assert (await deal.act(remind, "cancel")).is_success
    assert (await deal.reaches("remind", "cancelled"))["reason"] == "cancelled by an operator"
    again = await deal.act(remind, "run-now")
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "remind is cancelled: only a rule that waits can be moved in time",
    )
    unknown = await deal.act(remind | {"rule_id": "none"}, "run-now")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "there is no such rule in the run")
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        run = (await viewer.get(f"/v1/runs/{later['run_id']}")).json()
    assert [entry["action"].split()[0] for entry in run["operator_actions"]] == ["postpone", "run_now"]


async def test_a_failed_rule_can_be_retried_with_a_new_command(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET]})
    await deal.enters("new")
    first = await deal.command(SendMessage)
    await deal.is_refused(first, "no credit")
    refused = await deal.reaches("greet", "refused")
    assert (await deal.act(refused, "retry")).is_success
    second = await deal.command(SendMessage, number=2)
    assert second.id != first.id
    await deal.is_done(second, message_id=str(uuid4()), sent_to="x")
    assert (await deal.reaches("greet", "done"))["attempt"] == 1


@pytest.mark.invariant(3)
async def test_leaving_takes_back_a_command_under_way(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND | {"run": {"when": "after", "seconds": 1}}]})
    await deal.enters("new")
    sent = await deal.command(Notify)
    await deal.enters("paid")
    cancel = await deal.command(CancelCommand)
    assert cancel.data.target == sent.command_id
    await deal.is_refused(sent, CANCELLED)
    assert (await deal.reaches("remind", "cancelled", entry_seq=1))["reason"] == "left the stage"


@pytest.mark.invariant(3)
async def test_what_was_due_on_entry_survives_leaving_in_the_same_batch(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET, REMIND]})
    first, second = await deal.enters("new", tell=False), await deal.enters("paid", tell=False)
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, first, second)
    assert (await deal.command(SendMessage)).data.text == "Hello Ada"
    assert (await deal.reaches("remind", "cancelled", entry_seq=1))["reason"] == "left the stage"


async def enter_leave_enter(deal: Deal) -> list[Envelope[StageChanged]]:
    """Untold: into `new`, out to `paid`, and back."""
    await deal.has_rules({"new": [GREET, REMIND]})
    return [await deal.enters(stage, tell=False) for stage in ("new", "paid", "new")]


@pytest.mark.invariant(1)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after another"])
async def test_coming_back_is_a_new_entry_however_the_events_come(deal: Deal, at_once: bool) -> None:
    events = await enter_leave_enter(deal)
    for some in [events] if at_once else [[event] for event in events]:
        await deal.harness.kafka_probe.publish(ENTITY_EVENTS, *some, *some)
        await eventually(partial(_entered, deal, some[-1].data.entry_seq))
    await deal.command(SendMessage, number=2)
    assert (await deal.reaches("remind", "cancelled", entry_seq=1))["reason"] == "left the stage"
    assert (await deal.reaches("remind", "waiting", entry_seq=3))["reason"] is None
    assert len(deal.commands(SendMessage)) == 2


@pytest.mark.invariant(1)
async def test_events_in_the_wrong_order_run_the_rules_of_the_newest_entry_only(deal: Deal) -> None:
    first, second, third = await enter_leave_enter(deal)
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, third)
    await deal.command(SendMessage)
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, second, first, third)
    for name in ("greet", "remind"):
        assert (await deal.reaches(name, "cancelled", entry_seq=1))["reason"] == "left before planning"
    await deal.reaches("remind", "waiting", entry_seq=3)
    assert len(deal.commands(SendMessage)) == 1


async def _entered(deal: Deal, entry_seq: int) -> bool:
    query = "SELECT 1 FROM entries WHERE tenant_id = $1 AND entry_seq = $2"
    return bool(await deal.harness.service_environment.sql(query, deal.tenant, entry_seq))


@pytest.mark.invariant(7)
async def test_replaying_events_and_results_changes_nothing(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET]})
    moved = await deal.enters("new")
    sent = await deal.command(SendMessage)
    await deal.is_done(sent, message_id=str(uuid4()), sent_to="x")
    await deal.reaches("greet", "done")
    await deal.harness.service_environment.sql("DELETE FROM inbox")
    await deal.harness.kafka_probe.publish(ENTITY_EVENTS, moved)
    await deal.is_done(sent, message_id=str(uuid4()), sent_to="y")
    await deal.enters("paid")

    async def planned() -> bool:
        return (
            len(await deal.harness.service_environment.sql("SELECT 1 FROM entries WHERE tenant_id = $1", deal.tenant))
            == 2
        )

    await eventually(planned)
    assert len(deal.commands()) == 1
    assert (await deal.rules(entry_seq=1))["greet"]["state"] == "done"


async def test_a_deleted_item_cancels_what_waits(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    await deal.reaches("remind", "waiting")
    await deal.is_deleted()
    assert (await deal.reaches("remind", "cancelled"))["reason"] == "the item was deleted"


async def test_stages_that_were_not_entered_are_shown_with_that_reason(deal: Deal) -> None:
    await deal.has_rules({"new": [GREET], "won": [LATER]})
    await deal.enters("new")
    await eventually(deal.rules)
    won = next(stage for stage in (await deal.automation())["stages"] if stage["stage"] == "won")
    assert won["entries"] == []
    assert won["rules"][0]["reason"] == "the item has not entered this stage"


async def test_another_tenant_sees_neither_run_nor_item(deal: Deal) -> None:
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    waiting = await deal.reaches("remind", "waiting")
    async with deal.harness.service_environment.caller(uuid4(), "admin") as stranger:
        paths = [f"/v1/runs/{waiting['run_id']}", f"/v1/automation/items/{deal.item}"]
        assert [(await stranger.get(path)).status_code for path in paths] == [404, 404]
        path = f"/v1/runs/{waiting['run_id']}/rules/{waiting['rule_id']}/cancel"
        assert (await stranger.post(path)).status_code == 404
        assert (await stranger.get("/v1/runs")).json()["items"] == []


async def test_what_a_visitor_typed_is_no_markup_in_a_mail(deal: Deal) -> None:
    deal.fields = {"story": '<a href="https://evil.example">pay & win</a>', "sign": "<b>The shop</b>"}
    text = (
        "<p>{{ item.fields.story | append: '!' }}</p>{{ item.fields.sign | safe }}"
        "{% capture kept %}{{ item.fields.story }}{% endcapture %}{{ kept }}"
    )
    whole = {"path": "item.fields.story"}
    mails = {"text": text, "path": whole, "expr": {"expr": "item.fields.story + '!'"}}
    rules = [
        {"name": name, "type": "send_email", "execution": "parallel"}
        | {"params": {"subject": "{{ item.fields.story }}", "html": True, "text": made}}
        for name, made in mails.items()
    ]
    plain = {"name": "plain", "type": "send_email", "execution": "parallel", "params": {"subject": "x", "text": whole}}
    await deal.has_rules({"new": [*rules, plain]})
    await deal.enters("new")
    sent = {mail.causepath[-1].rule_id: mail for mail in [await deal.command(SendMessage, n) for n in (1, 2, 3, 4)]}
    found = {name: sent[rule["rule_id"]].data for name, rule in (await deal.rules()).items()}
    escaped = "&lt;a href=&#34;https://evil.example&#34;&gt;pay &amp; win&lt;/a&gt;"
    assert found["text"].html == f"<p>{escaped}!</p><b>The shop</b>{escaped}"
    assert found["text"].subject == deal.fields["story"]
    assert "<" not in found["path"].html
    assert "<" not in found["expr"].html
    assert found["plain"].text == deal.fields["story"]
