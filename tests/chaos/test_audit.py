"""The audit can fail: in a world where all is well it finds nothing, and each thing that goes wrong is reported."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chaos.audit import Audit, Deed, Effect, Fault, Outcome, Said, Version, World, count
from chaos.expected import Clients, Entry, endings, read_rules

ITEM, FIRST, SECOND, DELAYED = (UUID(int=number) for number in range(1, 5))
CLIENT, MUTE, UNWILLING = (UUID(int=number) for number in range(11, 14))
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)

RULES = read_rules(
    [
        {
            "pipeline": "sales",
            "stages": {
                "new": {
                    "rules": [
                        {"name": "greet", "type": "send_sms", "execution": "parallel"},
                        {"name": "thank", "type": "send_email"},
                        {
                            "name": "remind",
                            "type": "create_task",
                            "execution": "parallel",
                            "run": {"when": "after", "seconds": 4},
                        },
                        {
                            "name": "repeat",
                            "type": "create_repeat_lead",
                            "execution": "parallel",
                            "run": {"when": "after", "months": 6},
                        },
                        {
                            "name": "large",
                            "type": "notify_supervisor",
                            "execution": "parallel",
                            "condition": {
                                "path": "item.amount",
                                "op": "gt",
                                "value": {"amount": 100, "currency": "EUR"},
                            },
                        },
                        {
                            "name": "hand_over",
                            "type": "notify_supervisor",
                            "execution": "parallel",
                            "run": {"when": "after", "minutes": 30},
                            "on_leave": "run_now",
                        },
                    ]
                },
                "won": {"rules": [{"name": "congratulate", "type": "send_sms", "execution": "parallel"}]},
            },
        }
    ]
)
BY_NAME = {rule.name: rule for rule in RULES}
NEW = Entry("e1", ITEM, "d-1", "sales", "new", 1, AT, CLIENT, amount=200)


def world(**changes: Any) -> World:
    """A deal came in, was worked on and won; the reminder was cancelled on the way."""
    ended = {"greet": "done", "thank": "done", "remind": "cancelled", "repeat": "cancelled", "large": "done"}
    ended |= {"hand_over": "done"}
    outcomes = [Outcome(ITEM, 1, name, state, None, FIRST, f"c-{name}") for name, state in ended.items()]
    outcomes += [Outcome(ITEM, 2, "congratulate", "done", None, SECOND, "c-congratulate")]
    done = [one for one in outcomes if one.state == "done"]
    right = World(
        rules=RULES,
        clients=Clients(frozenset({MUTE}), frozenset({UNWILLING})),
        entries=[NEW, replace(NEW, event="e2", stage="won", seq=2, at=AT + timedelta(seconds=3))],
        outcomes=outcomes,
        effects=[Effect("peers", ITEM, one.rule, one.command) for one in done],
        deeds=[Deed("a deal was asked for", 1)],
        versions=[Version(ITEM, 1, 1), Version(ITEM, 2), Version(ITEM, 3, 2)],
        said=[
            Said(ITEM, FIRST, 1, "greet", "running"),
            Said(ITEM, FIRST, 2, "greet", "done"),
            Said(ITEM, SECOND, 1, "congratulate", "running"),
            Said(ITEM, FIRST, 3, "hand_over", "running"),
        ],
        caused={"a move by a command": 1},
    )
    return replace(right, **changes)


def found(world: World) -> dict[str, int]:
    """The kinds of findings that there are."""
    return {fault: number for fault, number in count(Audit(world).findings()).items() if number}


def with_outcome(rule: str, **changes: Any) -> list[Outcome]:
    return [replace(one, **changes) if one.rule == rule else one for one in world().outcomes]


def without_effect(rule: str) -> list[Effect]:
    return [one for one in world().effects if one.rule != rule]


def test_nothing_is_found_where_all_is_well() -> None:
    assert Audit(world()).findings() == []


def test_a_lost_a_doubled_a_late_and_a_reordered_effect_are_reported_each_as_what_it_is() -> None:
    effects = [
        *without_effect("greet"),
        Effect("mails", ITEM, "thank", "c-thank"),
        Effect("tasks", ITEM, "remind", "c-remind"),
    ]
    versions = [Version(ITEM, 1, 1), Version(ITEM, 3, 2), Version(ITEM, 2)]
    findings = Audit(world(effects=effects, versions=versions)).findings()
    assert sorted((finding.fault, finding.what, finding.run) for finding in findings) == [
        ("doubled", f"thank of item {ITEM}, entry 1: 2 times in mails", FIRST),
        ("late_after_leave", f"remind of item {ITEM}, entry 1 is cancelled, and is in tasks", FIRST),
        ("lost", f"greet of item {ITEM}, entry 1 is done, and nothing is there", FIRST),
        ("order_violations", f"item {ITEM}: version 2 after 3", None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"effects": without_effect("congratulate")},
        {"outcomes": [one for one in world().outcomes if one.rule != "remind"]},
        {"outcomes": with_outcome("remind", state="waiting")},
        {"outcomes": with_outcome("remind", state="failed")},
        {"outcomes": with_outcome("thank", state="running"), "effects": without_effect("thank")},
        {"outcomes": with_outcome("greet", state="cancelled"), "effects": without_effect("greet")},
        {"outcomes": with_outcome("large", state="skipped"), "effects": without_effect("large")},
        {"deeds": [Deed("a deal was asked for", 0)]},
        {"versions": [Version(ITEM, 1, 1), Version(ITEM, 3, 3)]},
        {"dead_letters": {"crm.entity.events.v1.rule-engine.dlq": 1}},
    ],
    ids=[
        "no effect",
        "never planned",
        "never ended",
        "failed without a reason to",
        "never answered",
        "a rule due on entry cancelled",
        "a condition that held passed over",
        "nothing came of what was asked for",
        "an entry that nobody told of",
        "a message put aside",
    ],
)
def test_what_is_lost_is_reported(wrong: dict[str, Any]) -> None:
    assert found(world(**wrong)) == {Fault.LOST: 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"effects": [*world().effects, Effect("SMS", ITEM, "greet", "c-greet")]},
        {"effects": [*world().effects, Effect("SMS", ITEM, "greet", "another command")]},
        {"effects": [*world().effects, Effect("tasks", ITEM, "greet", None)]},
        {"outcomes": [*world().outcomes, replace(world().outcomes[2], run=DELAYED, command=None)]},
        {"deeds": [Deed("a deal was asked for", 2)]},
        {"caused": {"a move by a command": 2}},
    ],
    ids=[
        "twice by one command",
        "by another command",
        "by no command",
        "planned twice",
        "a deal twice",
        "a move twice",
    ],
)
def test_what_is_doubled_is_reported(wrong: dict[str, Any]) -> None:
    assert found(world(**wrong)) == {Fault.DOUBLED: 1}


def test_an_effect_that_fits_no_rule_of_its_command_is_reported_as_lost_and_as_a_stranger() -> None:
    effects = [*without_effect("greet"), Effect("SMS", ITEM, "congratulate", "c-greet")]
    assert found(world(effects=effects)) == {Fault.LOST: 1, Fault.DOUBLED: 1}


def test_a_command_after_the_engine_knew_that_the_item_had_left_is_reported() -> None:
    outcomes = [replace(one, state="done", run=DELAYED) if one.rule == "remind" else one for one in world().outcomes]
    effects = [*world().effects, Effect("tasks", ITEM, "remind", "c-remind", AT + timedelta(seconds=2))]
    late = [*world().said, Said(ITEM, DELAYED, 1, "remind", "running")]
    assert found(world(outcomes=outcomes, effects=effects, said=late)) == {Fault.LATE: 1}
    in_time = [Said(ITEM, DELAYED, 1, "remind", "running"), *world().said]
    assert found(world(outcomes=outcomes, effects=effects, said=in_time)) == {}


def test_what_an_owner_did_after_the_item_had_left_is_reported() -> None:
    effects = [*world().effects, Effect("tasks", ITEM, "remind", "c-remind", AT + timedelta(seconds=3.1))]
    assert found(world(outcomes=with_outcome("remind", state="done"), effects=effects)) == {Fault.LATE: 1}


def test_revisions_of_a_run_out_of_order_are_reported() -> None:
    said = [Said(ITEM, FIRST, 2, "greet", "done"), Said(ITEM, FIRST, 1, "greet", "running")]
    assert found(world(said=said)) == {Fault.ORDER: 1}


def test_an_entry_told_twice_out_of_order_is_reported() -> None:
    versions = [Version(ITEM, 1, 1), Version(ITEM, 3, 2), Version(ITEM, 3, 1)]
    assert found(world(versions=versions)) == {Fault.ORDER: 1}


@pytest.mark.parametrize(
    ("rule", "left", "before", "client", "expected"),
    [
        ("greet", True, [], CLIENT, {"done"}),
        ("greet", True, [], MUTE, {"failed"}),
        ("thank", True, ["done"], CLIENT, {"done", "cancelled"}),
        ("thank", False, ["done"], CLIENT, {"done"}),
        ("thank", False, ["done"], UNWILLING, {"refused"}),
        ("thank", False, ["failed"], CLIENT, {"cancelled"}),
        ("remind", True, [], CLIENT, {"done", "cancelled", "refused"}),
        ("repeat", False, [], CLIENT, {"waiting"}),
        ("repeat", True, [], CLIENT, {"cancelled"}),
        ("hand_over", True, [], CLIENT, {"done"}),
    ],
)
def test_how_a_rule_may_end_is_read_off_the_rule_set(
    rule: str, left: bool, before: list[str], client: UUID, expected: set[str]
) -> None:
    assert (
        endings(
            BY_NAME[rule],
            replace(NEW, client=client),
            Clients(frozenset({MUTE}), frozenset({UNWILLING})),
            left=left,
            before=before,
        )
        == expected
    )
