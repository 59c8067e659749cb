"""The core: how a run goes on by itself."""

from datetime import timedelta
from uuid import uuid4, uuid5

import pytest

from contracts.conditions import Leaf
from contracts.messages.results import CommandDone, CommandFailed, CommandProgress
from rule_engine.blocks import BLOCKS
from rule_engine.domain.execution.advance import fail, settle
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.step import needs_context, wake_at
from support.runs import (
    HALF_AN_HOUR,
    NO_ACTIVITY,
    REGISTRY,
    RUN,
    T0,
    context,
    done,
    go,
    program,
    rule,
    snapshot,
    started,
    states,
)

MINUTE = timedelta(minutes=1)


def test_a_rule_due_on_entry_emits_its_command_at_once() -> None:
    made, state = started(rule("greet"))
    step = go(made, state)
    assert state.due_on_entry == "greet"
    assert [emission.command_id for emission in step.emissions] == [uuid5(RUN, "step/1/0")]
    assert states(step) == {"greet": "running"}
    assert step.wake_at is None


def test_a_delayed_rule_waits_until_it_is_due_and_acts_then() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    early = go(made, state, timedelta(minutes=29, seconds=59))
    assert (states(early), early.emissions) == ({"remind": "waiting"}, ())
    assert early.wake_at == T0 + timedelta(minutes=30)
    assert len(go(made, early.state, timedelta(minutes=30)).emissions) == 1


@pytest.mark.invariant(5)
def test_advancing_twice_without_new_input_changes_nothing() -> None:
    made, state = started(rule("greet"), rule("then"))
    first = go(made, state)
    second = go(made, first.state)
    assert second.state == first.state
    assert (second.emissions, second.decisions, second.changed) == ((), (), ())


def test_the_next_rule_of_a_chain_sees_the_outputs_of_the_one_before() -> None:
    made, state = started(rule("first"), rule("second", params={"text": "They said {{ steps.first.said }}"}))
    settled = done(made, go(made, state), "first", said="yes")
    step = go(made, settled.state)
    assert settled.wake_at is not None
    assert step.emissions[0].body.text == "They said yes"  # type: ignore[attr-defined]


def test_a_rule_whose_condition_is_false_is_skipped_with_the_leaf_that_was_false_and_releases_the_chain() -> None:
    made, state = started(rule("first", condition=NO_ACTIVITY), rule("second"))
    busy = snapshot(activity_count=2)
    step = go(made, state.model_copy(update={"due_on_entry": None}), seen=context(busy))
    assert states(step) == {"first": "skipped", "second": "running"}
    assert step.state.rules["first"].reason == "item.activity_count = 0 is false: it is 2"
    assert step.decisions[0].seen["item.activity_count"] == 2


def test_a_rule_due_on_entry_is_decided_on_the_snapshot_of_the_entry() -> None:
    made, state = started(rule("greet", condition=NO_ACTIVITY))
    assert states(go(made, state, seen=context(snapshot(entry_seq=2, activity_count=9)))) == {"greet": "running"}


@pytest.mark.parametrize(("type", "state"), [("decline", "refused"), ("break", "failed")])
def test_a_refused_or_failed_rule_stops_the_chain_and_says_so_on_every_rule_after_it(type: str, state: str) -> None:
    made, start = started(rule("first", type), rule("second"), rule("third"))
    step = go(made, start)
    assert states(step) == {"first": state, "second": "cancelled", "third": "cancelled"}
    assert step.state.rules["third"].reason is not None
    assert step.state.rules["third"].reason.startswith("not run: first")
    assert step.state.finished


def test_on_failure_continue_lets_the_chain_go_on() -> None:
    made, state = started(rule("first", "break", on_failure="continue"), rule("second"))
    assert states(go(made, state)) == {"first": "failed", "second": "running"}


def test_a_helper_gives_its_outputs_at_once_and_the_chain_goes_on_in_the_same_step() -> None:
    made, state = started(
        rule("note", "note", params={"text": "42"}), rule("say", params={"text": "{{ steps.note.said }}"})
    )
    step = go(made, state)
    assert states(step) == {"note": "done", "say": "running"}
    assert step.emissions[0].body.text == "42"  # type: ignore[attr-defined]


def test_a_disabled_rule_keeps_its_place_and_the_chain_passes_over_it() -> None:
    made, state = started(rule("off", enabled=False), rule("on"))
    assert state.due_on_entry == "on"
    step = go(made, state)
    assert states(step) == {"off": "skipped", "on": "running"}
    assert step.state.rules["off"].reason == "the rule is disabled"


def test_the_delay_of_a_disabled_rule_delays_nothing() -> None:
    made, state = started(rule("off", enabled=False, run=HALF_AN_HOUR), rule("on"))
    assert wake_at(made, state, T0) == T0
    assert states(go(made, state)) == {"off": "skipped", "on": "running"}


def test_a_parameter_that_cannot_be_made_fails_the_rule_and_names_the_parameter() -> None:
    made, state = started(rule("greet", params={"text": "{{ contact.first_name | unknown_filter }}"}))
    step = go(made, state)
    assert states(step) == {"greet": "failed"}
    assert "params.text" in (step.state.rules["greet"].reason or "")


def test_a_condition_over_money_of_two_currencies_is_a_recorded_failure() -> None:
    dear = Leaf(path="item.fields.budget", op="gt", value={"amount": 1, "currency": "USD"})
    made, state = started(rule("greet", condition=dear))
    seen = context(snapshot(budget={"amount": 5, "currency": "EUR"}))
    step = go(made, state.model_copy(update={"due_on_entry": None}), seen=seen)
    assert states(step) == {"greet": "failed"}
    assert "EUR does not compare with USD" in (step.state.rules["greet"].reason or "")


@pytest.mark.invariant(7)
def test_a_result_that_no_rule_waits_for_changes_nothing() -> None:
    made, state = started(rule("greet"))
    running = go(made, state)
    stray = uuid4()
    settled = settle(made, running.state, stray, CommandDone(command_id=stray), T0, REGISTRY)
    assert (settled.state, settled.changed) == (running.state, ())
    once = done(made, running, "greet")
    again = running.emissions[0].command_id
    twice = settle(made, once.state, again, CommandFailed(command_id=again, reason="?", retryable=False), T0, REGISTRY)
    assert twice.state == once.state


def test_progress_is_shown_and_the_rule_goes_on_waiting_for_its_result() -> None:
    made, state = started(rule("greet"))
    running = go(made, state)
    progress = CommandProgress(command_id=running.emissions[0].command_id, state="quiet hours", until=T0 + MINUTE)
    step = settle(made, running.state, progress.command_id, progress, T0, REGISTRY)
    assert step.state.rules["greet"].reason == "quiet hours until 2026-03-02T09:01:00+00:00"
    assert states(step) == {"greet": "running"}


def test_a_defect_fails_the_run_with_its_reason() -> None:
    made, state = started(rule("greet"), rule("then"))
    step = fail(made, state, "a defect", T0)
    assert set(states(step).values()) == {"failed"}
    assert step.state.finished


def test_the_context_is_asked_for_only_when_a_rule_is_due() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    assert not needs_context(made, state, T0)
    assert needs_context(made, state, T0 + timedelta(minutes=30))


def test_a_program_survives_being_stored() -> None:
    made = program(rule("greet", condition=NO_ACTIVITY), rule("remind", run=HALF_AN_HOUR))
    assert Program.model_validate(made.model_dump(mode="json", by_alias=True)).bound(BLOCKS) == made
