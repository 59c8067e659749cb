"""The core: what happens to a run's rules when the item leaves the stage or is deleted."""

from datetime import timedelta

import pytest

from contracts.messages.results import CANCELLED
from rule_engine.domain.execution.advance import leave
from rule_engine.domain.execution.running import DELETED, LEFT
from support.runs import (
    HALF_AN_HOUR,
    T0,
    context,
    done,
    go,
    refused,
    rule,
    snapshot,
    started,
    states,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.invariant(3)
def test_leaving_cancels_what_still_waits_but_not_what_was_due_on_entry() -> None:
    made, state = started(rule("greet"), rule("later"))
    left = leave(made, state, LEFT, T0 + MINUTE)
    assert states(left) == {"greet": "planned", "later": "cancelled"}
    assert left.state.rules["later"].reason == LEFT
    step = go(made, left.state, MINUTE, context(snapshot(entry_seq=2)))
    assert states(step) == {"greet": "running", "later": "cancelled"}
    assert step.emissions[0].body.sender == "None"  # type: ignore[attr-defined]


@pytest.mark.invariant(3)
def test_an_engine_that_was_away_cancels_by_itself_when_the_item_has_left() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR), rule("then"))
    step = go(made, state, timedelta(hours=1), context(snapshot(entry_seq=2)))
    assert states(step) == {"remind": "cancelled", "then": "cancelled"}
    assert step.emissions == ()
    assert step.state.finished


def test_a_rule_of_the_present_entry_carries_its_guard() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    assert go(made, state, timedelta(hours=1)).emissions[0].body.sender == "1"  # type: ignore[attr-defined]


def test_a_rule_that_finishes_on_leave_waits_on_and_acts_without_a_guard() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR, on_leave="finish"))
    left = leave(made, state, LEFT, T0 + MINUTE)
    assert left.wake_at == T0 + timedelta(minutes=30)
    step = go(made, left.state, timedelta(minutes=30), context(snapshot(entry_seq=2)))
    assert step.emissions[0].body.sender == "None"  # type: ignore[attr-defined]


def test_a_rule_that_runs_now_on_leave_is_due_when_the_item_leaves() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR, on_leave="run_now"))
    left = leave(made, state, LEFT, T0 + MINUTE)
    assert left.wake_at == T0 + MINUTE
    assert len(go(made, left.state, MINUTE, context(snapshot(entry_seq=2))).emissions) == 1


@pytest.mark.invariant(3)
def test_leaving_takes_back_a_command_under_way_and_the_owner_says_what_became_of_it() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    running = go(made, state, timedelta(minutes=30))
    left = leave(made, running.state, LEFT, T0 + timedelta(hours=1))
    assert left.cancellations == (running.emissions[0].command_id,)
    assert states(left) == {"remind": "running"}
    assert states(refused(made, left, "remind", CANCELLED)) == {"remind": "cancelled"}
    assert refused(made, left, "remind", CANCELLED).state.rules["remind"].reason == LEFT
    assert states(done(made, left, "remind")) == {"remind": "done"}


def test_leaving_twice_asks_the_owner_once() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    left = leave(made, go(made, state, timedelta(minutes=30)).state, LEFT, T0 + timedelta(hours=1))
    assert leave(made, left.state, LEFT, T0 + timedelta(hours=2)).cancellations == ()


def test_a_deleted_item_cancels_everything_even_what_was_due_on_entry() -> None:
    made, state = started(rule("greet"), rule("later"))
    step = go(made, state, gone=True)
    assert states(step) == {"greet": "cancelled", "later": "cancelled"}
    assert {progress.reason for progress in step.state.rules.values()} == {DELETED}
