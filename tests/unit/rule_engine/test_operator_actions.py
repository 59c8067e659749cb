"""The core: what operators can do to a run."""

from datetime import timedelta

import pytest

from contracts.messages.results import CANCELLED, CommandFailed
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.advance import fail, settle
from rule_engine.domain.execution.operator_actions import OPERATOR, cancel, postpone, retry, run_now
from support.runs import (
    HALF_AN_HOUR,
    REGISTRY,
    T0,
    done,
    go,
    refused,
    rule,
    started,
    states,
)

MINUTE = timedelta(minutes=1)


def test_run_now_makes_a_waiting_rule_due_and_refuses_any_other() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    hurried = run_now(made, state, "remind", T0 + MINUTE)
    assert hurried.wake_at == T0 + MINUTE
    running = go(made, hurried.state, MINUTE)
    assert states(running) == {"remind": "running"}
    with pytest.raises(RunError, match="only a rule that waits"):
        run_now(made, running.state, "remind", T0)


def test_postponing_moves_the_due_time() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    assert postpone(made, state, "remind", T0 + timedelta(days=2), T0).wake_at == T0 + timedelta(days=2)


def test_cancelling_one_rule_lets_those_after_it_go_on() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR), rule("then"))
    step = cancel(made, state, "remind", T0)
    assert (states(step)["remind"], step.state.rules["remind"].reason) == ("cancelled", OPERATOR)
    assert states(go(made, step.state, MINUTE)) == {"remind": "cancelled", "then": "running"}


def test_cancelling_a_run_ends_it_and_there_is_nothing_left_to_cancel_then() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR), rule("then"))
    step = cancel(made, state, None, T0)
    assert step.state.finished
    with pytest.raises(RunError, match="nothing left"):
        cancel(made, step.state, None, T0)


def test_retrying_a_failed_rule_makes_a_new_attempt_with_a_new_command_and_revives_what_it_stopped() -> None:
    made, state = started(rule("greet"), rule("then"))
    running = go(made, state)
    first = running.emissions[0].command_id
    failed = settle(
        made, running.state, first, CommandFailed(command_id=first, reason="down", retryable=True), T0, REGISTRY
    )
    assert (states(failed), failed.state.finished) == ({"greet": "failed", "then": "cancelled"}, True)
    again = go(made, retry(made, failed.state, "greet", T0).state)
    assert states(again) == {"greet": "running", "then": "planned"}
    assert again.emissions[0].command_id != first
    assert again.state.rules["greet"].attempt == 1


def test_retrying_a_rule_under_way_cancels_its_command_first() -> None:
    made, state = started(rule("greet"))
    running = go(made, state)
    asked = retry(made, running.state, "greet", T0)
    assert asked.cancellations == (running.emissions[0].command_id,)
    assert states(done(made, asked, "greet")) == {"greet": "done"}
    assert len(go(made, refused(made, asked, "greet", CANCELLED).state).emissions) == 1


def test_cancelling_a_rule_calls_off_the_new_attempt_that_was_ordered_before() -> None:
    made, state = started(rule("greet"))
    asked = retry(made, go(made, state).state, "greet", T0)
    step = refused(made, cancel(made, asked.state, "greet", T0), "greet", CANCELLED)
    assert (states(step), step.state.rules["greet"].reason) == ({"greet": "cancelled"}, OPERATOR)


def test_only_what_failed_was_refused_or_hangs_can_be_retried() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    with pytest.raises(RunError, match="waiting"):
        retry(made, state, "remind", T0)


def test_a_rule_under_way_is_not_called_cancelled_when_one_before_it_is_retried_and_refused() -> None:
    made, state = started(rule("first"), rule("second"))
    failed = fail(made, state, "a defect", T0)
    second = go(made, retry(made, failed.state, "second", T0).state)
    both = go(made, retry(made, second.state, "first", T0).state)
    step = refused(made, both, "first", "no")
    assert states(step) == {"first": "refused", "second": "running"}
    assert states(done(made, step, "second")) == {"first": "refused", "second": "done"}
    assert done(made, step, "second").state.finished
