"""Virtual time: what would happen and when, with the texts that clients would read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.messages.entity_commands import FieldAssignment
from rule_engine.domain.language.variables import Definition, VariableDocument
from rule_engine.domain.simulation.stand_ins import EmployeeStandIn
from rule_engine.domain.simulation.world import Happening
from support.shop import DEAL, FURNITURE_SHOP, NOON, deal, rule, rule_set
from support.simulated import commands, deals, lines, simulated, workflow, world

SIDE: dict[str, Any] = {"execution": "parallel"}


def moment(month: int, day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def happening(after: timedelta, **what: Any) -> Happening:
    return Happening(NOON + after, **what)


def set_field(field: str, value: Any) -> tuple[FieldAssignment, ...]:
    return (FieldAssignment(field=field, value=value),)


def test_the_furniture_shop_greets_at_once_and_escalates_after_half_an_hour() -> None:
    found = simulated(world(FURNITURE_SHOP))
    assert commands(found) == [("greet", NOON), ("escalate", NOON + timedelta(minutes=30))]
    greeting = lines(found, "command")[0].details
    assert greeting is not None
    assert greeting["type"] == "crm.message.send.v1"
    assert greeting["text"] == "Hello Ada, a manager will contact you within 30 minutes"
    assert (greeting["to"], found.totals.messages, found.totals.open_at_end) == ("+493012345678", 1, 0)


def test_somebody_who_calls_in_time_keeps_the_escalation_from_acting() -> None:
    called = happening(timedelta(minutes=20), assignments=set_field("activity_count", 1))
    found = simulated(world(FURNITURE_SHOP, happens=[called]))
    assert commands(found) == [("greet", NOON)]
    (escalate,) = [one for one in found.rules if one.rule == "escalate"]
    assert (escalate.skipped, escalate.reasons[0].times) == (1, 1)


def test_a_pipeline_plays_through_by_its_own_moves_and_names_what_earlier_rules_put_out() -> None:
    rules = rule_set(
        new=[
            rule("bill", "create_document", template="invoice"),
            rule("go", "change_stage", run={"when": "after", "days": 2, "clock": "09:00"}, stage="documents"),
        ],
        documents=[
            rule("send", "send_sms", text="{{ item.stage }} {{ stage.name }} {{ item.source }}"),
            rule("close", "change_stage", run={"when": "after", "days": 1}, stage="won"),
        ],
        won=[rule("mark", "update_item", fields=[{"field": "source", "value": "done {{ item.title }}"}])],
    )
    found = simulated(world(rules))
    entered = [(one.name, one.at) for one in lines(found, "entered")]
    assert entered == [("new", NOON), ("documents", moment(3, 4, "08:00")), ("won", moment(3, 5, "08:00"))]
    sent = next(one for one in lines(found, "command") if one.name == "send").details
    assert sent is not None
    assert sent["text"] == "documents Documents "
    assert [(one.name, one.at) for one in lines(found, "changed")] == [("source", moment(3, 5, "08:00"))]
    assert found.traces[0].stage == "won"
    assert [(str(day.date), day.entered, day.done) for day in found.days] == [
        ("2026-03-02", 1, 1),
        ("2026-03-04", 1, 2),
        ("2026-03-05", 1, 2),
    ]


def test_what_still_waits_is_cancelled_when_people_move_the_item() -> None:
    rules = rule_set(new=[rule("late", "send_sms", run={"when": "after", "days": 5}, text="Hello")])
    found = simulated(world(rules, happens=[happening(timedelta(days=1), stage="lost")]))
    assert commands(found) == []
    assert [(one.state, one.reason) for one in lines(found, "rule")] == [("cancelled", "left the stage")]


def test_working_time_is_the_companys_and_moves_what_falls_into_the_night() -> None:
    made = deal()
    hours = [{"opens": "09:00", "closes": "18:00"}]
    calendar = {"week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours)}
    settings = made.tenant.model_validate(made.tenant.model_dump() | {"calendar": calendar})
    late = {"when": "after", "hours": 8, "working_time": "company"}
    rules = rule_set(new=[rule("call", "create_task", run=late, name="Call")])
    before = world(rules, items=[made.model_copy(update={"tenant": settings})])
    found = simulated(replace(before, settings=settings))
    assert commands(found) == [("call", moment(3, 3, "08:00"))]


def test_a_date_of_the_item_that_moves_takes_the_rule_along() -> None:
    before = {"when": "before", "from": "item.fields.delivery_on", "days": 1, "clock": "10:00"}
    rules = rule_set(new=[rule("announce", "send_sms", run=before, text="Tomorrow")])
    (item,) = deals(1, fields={"delivery_on": "2026-03-10"})
    moved = happening(timedelta(days=1), assignments=set_field("fields.delivery_on", "2026-03-20"))
    found = simulated(world(rules, items=[item], happens=[moved]))
    assert commands(found) == [("announce", moment(3, 19, "09:00"))]


def test_a_workflow_starts_by_itself_waits_and_takes_what_came() -> None:
    again = {"block": "action", "name": "again", "type": "send_sms", "params": {"text": "Still there?"}}
    wait = {
        "block": "wait_event",
        "name": "answer",
        "event": "event.reply",
        "timeout": {"when": "after", "days": 7},
        "branches": [{"name": "received", "blocks": []}, {"name": "timed_out", "blocks": [again]}],
    }
    made = workflow("chase", wait, autorun={"on_create": True})
    first, second = deals(2, entry_seq=1)
    reply = happening(timedelta(days=2), item=first.item.id, name="event.reply", value={"text": "Yes"})
    found = simulated(world(None, made, items=[first, second], happens=[reply]))
    sent = [[one.at for one in trace.lines if one.what == "command"] for trace in found.traces]
    assert sent == [[], [NOON + timedelta(days=7)]]
    assert (found.totals.runs, found.totals.open_at_end) == (2, 0)


@pytest.mark.parametrize(
    ("policy", "days", "refused"),
    [("queue", [7, 14, 21], 0), ("replace", [11], 0), ("refuse", [7], 2)],
)
def test_runs_with_one_key_go_on_one_at_a_time(policy: str, days: list[int], refused: int) -> None:
    """The first one begins at once, the second after a day, the third after four."""
    pause = {"block": "pause", "name": "p", "run": {"when": "after", "days": 7}}
    say = {"block": "action", "name": "say", "type": "send_sms", "params": {"text": "Hello"}}
    concurrency = {"key": "{{ item.id }}", "policy": policy}
    made = workflow("one", pause, say, autorun={"on_create": True, "on_change": True}, concurrency=concurrency)
    changed = [happening(timedelta(days=day), assignments=set_field("title", f"Table {day}")) for day in (1, 4)]
    found = simulated(world(None, made, items=deals(1, entry_seq=1), happens=changed))
    assert [at for _, at in commands(found)] == [NOON + timedelta(days=day) for day in days]
    assert sum(one.times for one in found.limits if "goes on for the key" in one.what) == refused
    assert found.totals.open_at_end == 0


def test_a_workflow_that_is_started_on_every_item_has_its_parameters() -> None:
    say = {"block": "action", "name": "say", "type": "send_sms", "params": {"text": "{{ param.word }}"}}
    made = workflow("greet", say, parameters={"word": {"type": "string"}}, started={"word": "Good day"})
    found = simulated(world(None, made))
    details = lines(found, "command")[0].details
    assert details is not None
    assert details["text"] == "Good day"


def test_variables_of_the_tenant_are_counted_over_all_items() -> None:
    counter = Definition("variable", "count", VariableDocument(type="int", value=0))
    rules = rule_set(
        new=[
            rule("count", "set_variable", variable="count", value={"expr": "var.count + 1"}),
            rule("tell", "send_sms", text="Number {{ var.count }}"),
        ]
    )
    found = simulated(world(rules, items=deals(3), definitions=[counter]))
    texts = [one.details["text"] for t in found.traces for one in t.lines if one.what == "command" and one.details]
    assert sorted(map(str, texts)) == ["Number 1", "Number 2", "Number 3"]


@pytest.mark.parametrize(("share", "state"), [("refused", "refused"), ("failed", "failed")])
def test_stand_ins_refuse_and_fail_with_their_reason_after_so_long(share: str, state: str) -> None:
    rules = rule_set(new=[rule("greet", "send_sms", text="Hello"), rule("task", "create_task", name="Call")])
    stand_in = {"type": "send_sms", share: 1.0, "after_seconds": 90, "reason": "the line is dead"}
    found = simulated(world(rules, stand_ins=[stand_in]))
    assert commands(found) == [("greet", NOON)]
    ended = [(one.name, one.state, one.at) for one in lines(found, "rule") if one.state in (state, "cancelled")]
    at = NOON + timedelta(seconds=90)
    assert ended == [("greet", state, at), ("task", "cancelled", at)]
    assert found.rules[0].reasons[0].reason == "the line is dead"


def test_a_share_is_met_roughly_and_another_seed_meets_other_items() -> None:
    rules = rule_set(new=[rule("greet", "send_sms", text="Hello")])

    def refused(seed: str) -> set[str]:
        made = world(rules, items=deals(200), stand_ins=[{"refused": 0.25}], seed=seed)
        found = simulated(made, traced=200)
        return {str(one.item_id) for one in found.traces if any(line.state == "refused" for line in one.lines)}

    first, second = refused(""), refused("another")
    assert 30 <= len(first) <= 70
    assert first != second


def test_a_policy_retries_what_failed_and_waits_in_between() -> None:
    retried = rule("greet", "send_sms", text="Hello", retry={"times": 2, "after_seconds": 600})
    found = simulated(world(rule_set(new=[retried]), stand_ins=[{"failed": 1.0}]))
    minutes = [(at - NOON).total_seconds() / 60 for _, at in commands(found)]
    assert minutes == [0, 10, 30]


def test_what_nobody_answers_stays_open() -> None:
    rules = rule_set(new=[rule("greet", "send_sms", text="Hello")])
    found = simulated(world(rules, stand_ins=[{"rule": "greet", "unanswered": 1.0}]))
    assert (found.totals.commands, found.totals.open_at_end) == (1, 1)


def test_two_rules_that_want_different_things_of_one_field_collide() -> None:
    rules = rule_set(
        new=[
            rule("one", "update_item", **SIDE, fields=[{"field": "source", "value": "fair"}]),
            rule(
                "two",
                "update_item",
                **SIDE,
                run={"when": "after", "hours": 3},
                fields=[{"field": "source", "value": "web"}],
            ),
            rule(
                "much_later",
                "update_item",
                **SIDE,
                run={"when": "after", "days": 3},
                fields=[{"field": "source", "value": "x"}],
            ),
        ]
    )
    found = simulated(world(rules, items=deals(4)))
    (collision,) = found.collisions
    assert (collision.field, collision.first, collision.second, collision.times) == (
        "source",
        "new/one",
        "new/two",
        4,
    )
    assert collision.values == ["fair", "web"]


def test_two_rules_that_move_the_item_elsewhere_at_once_collide_and_the_second_is_refused() -> None:
    rules = rule_set(
        new=[
            rule("up", "change_stage", **SIDE, stage="won"),
            rule("down", "change_stage", **SIDE, stage="lost"),
        ]
    )
    found = simulated(world(rules))
    assert found.traces[0].stage == "won"
    assert [(one.field, one.first, one.second) for one in found.collisions] == [("stage", "new/up", "new/down")]


def test_rules_that_move_an_item_to_and_fro_are_stopped_as_their_owner_stops_them() -> None:
    rules = rule_set(
        new=[rule("there", "change_stage", stage="documents")],
        documents=[rule("back", "change_stage", stage="new")],
    )
    found = simulated(world(rules))
    (circle,) = found.circles
    assert circle.reason.startswith("automation runs in a circle")
    assert (circle.times, circle.item_id, circle.at) == (1, DEAL, NOON)
    assert len(lines(found, "entered")) == 3


def test_a_client_with_many_messages_on_one_day_of_the_company_is_told_of() -> None:
    half_past = [
        rule(f"n{at}", "send_sms", **SIDE, run={"when": "after", "minutes": at}, text="Hi") for at in range(1, 6)
    ]
    found = simulated(world(rule_set(new=half_past)), messages_per_day=3)
    (many,) = found.many_messages
    assert (str(many.date), many.messages, many.to) == ("2026-03-02", 5, "+493012345678")


def test_runs_over_the_quota_of_the_tenant_are_refused_and_told_of() -> None:
    rules = rule_set(new=[rule("late", "send_sms", run={"when": "after", "days": 5}, text="Hello")])
    found = simulated(world(rules, items=deals(3), open_runs=2, over_quota="at most 2"))
    assert [(one.what, one.times) for one in found.limits] == [("at most 2", 1)]
    assert found.totals.most_open_runs == 2


def test_nothing_happens_after_the_end() -> None:
    rules = rule_set(new=[rule("late", "send_sms", run={"when": "after", "days": 5}, text="Hello")])
    found = simulated(world(rules, days=4))
    assert (commands(found), found.totals.open_at_end) == ([], 1)
    assert found.until == NOON + timedelta(days=4)
    assert [(one.name, one.due_at) for one in lines(found, "planned")] == [("late", NOON + timedelta(days=5))]


APPROVAL: dict[str, Any] = {
    "block": "approve",
    "name": "discount",
    "subject": "Ten percent for {{ contact.name }}?",
    "voters": ["sam", "warehouse"],
    "quorum": "any",
    "timeout": {"when": "after", "days": 3},
    "branches": [
        {"name": "approved", "blocks": [{"block": "log", "name": "yes", "text": "granted"}]},
        {"name": "rejected", "blocks": [{"block": "log", "name": "no", "text": "denied"}]},
    ],
}


@pytest.mark.parametrize(
    ("employees", "ended", "at"),
    [
        ([{"choice": "approve", "after_seconds": 7200}], "yes", timedelta(hours=2)),
        ([{"choice": "reject", "block": "discount", "after_seconds": 60}], "no", timedelta(minutes=1)),
        ([{"choice": "reject", "block": "another"}], "no", timedelta(days=3)),
        ([], "no", timedelta(days=3)),
    ],
)
def test_employees_answer_as_the_caller_says(employees: list[dict[str, Any]], ended: str, at: timedelta) -> None:
    said = [EmployeeStandIn.model_validate(one) for one in employees]
    found = simulated(world(None, workflow("offer", APPROVAL, started={}), employees=said))
    assert {one.name for one in lines(found, "asked")} == {"discount"}
    assert [(one.name, one.at) for one in lines(found, "block") if one.name in ("yes", "no")] == [(ended, NOON + at)]
