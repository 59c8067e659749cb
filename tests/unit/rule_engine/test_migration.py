"""Chains of rules whose waiting runs are moved to another version."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.values import ItemSnapshot
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.migration import Moved, Target, migrate, places_of, successor
from rule_engine.domain.execution.operator_actions import postpone, retry
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import State
from rule_engine.domain.execution.workflows import suspend
from rule_engine.domain.schedule.run_time import After, At
from support.runs import ENTRY, T0, TIMES, done, go, program, refused, rule, snapshot, started, states

SIX_MONTHS, A_WEEK = After(months=6), After(days=7)
LATER = T0 + timedelta(days=30)


def moved(
    old: Program, state: State, new: Program, item: ItemSnapshot | None = None, begun: frozenset[str] = frozenset()
) -> Moved:
    """To version 2, thirty days after the entry; `begun` beside what the state has."""
    known = frozenset(one.rule_id for one in state.executions.values() if one.state != "cancelled")
    return migrate(old, state, Target(new, 2, ENTRY, item or snapshot(), TIMES, LATER, begun | known))


def why_not(*args: Any, **rest: Any) -> str:
    with pytest.raises(NotMovableError) as refusal:
        moved(*args, **rest)
    return str(refusal.value)


def waiting(*more: Any, run: Any = SIX_MONTHS) -> tuple[Program, State]:
    """`ask` waits for six months, `greet` has acted before it."""
    old, state = started(rule("greet"), rule("ask", execution="wait", run=run), *more)
    return old, done(old, go(old, state), "greet").state


def test_a_rule_that_waits_is_due_when_the_new_version_says_counted_from_the_entry() -> None:
    old, state = waiting()
    step = moved(old, state, program(rule("greet"), rule("ask", execution="wait", run=After(months=3)))).step
    assert step.wake_at == step.state.rules["ask"].due_at == T0.replace(month=6, hour=8)  # daylight saving time
    assert [one.rule_id for one in step.changed] == ["ask"]


def test_what_would_have_been_due_in_the_new_version_acts_at_once() -> None:
    old, state = waiting()
    new = program(rule("greet"), rule("ask", execution="wait", run=A_WEEK))
    step = moved(old, state, new).step
    assert step.wake_at == LATER
    acted = go(new, step.state, timedelta(days=30))
    assert [one.rule.name for one in acted.emissions] == ["ask"]


def test_the_same_version_changes_nothing() -> None:
    old, state = waiting(rule("thank", execution="wait", run=A_WEEK))
    found = moved(old, state, old)
    assert (found.before, found.step.changed, found.step.state) == (None, (), state)
    assert set(found.kept.values()) == {(1,), (2,)}


def test_what_an_operator_has_decided_stays() -> None:
    old, state = waiting()
    until = LATER + timedelta(days=1)
    state = postpone(old, state, "ask", until, T0).state
    step = moved(old, state, program(rule("greet"), rule("ask", execution="wait", run=A_WEEK))).step
    assert step.wake_at == until


def test_a_rule_that_waits_for_its_next_attempt_goes_on_waiting_for_that() -> None:
    old, state = started(rule("greet"))
    step = refused(old, go(old, state), "greet", "no")
    state = retry(old, step.state, "greet", T0).state
    step = moved(old, state, program(rule("greet", run=SIX_MONTHS))).step
    assert step.state.rules["greet"].due_at == T0


def test_a_command_under_way_stays_valid() -> None:
    old, state = started(rule("greet"), rule("thank", execution="wait"))
    running = go(old, state)
    new = program(rule("first", run=SIX_MONTHS), rule("greet", execution="wait"), rule("thank", execution="wait"))
    step = moved(old, running.state, new).step
    assert step.wake_at is None
    ended = done(new, step, "greet")
    assert [one.rule.name for one in go(new, ended.state).emissions] == ["thank"]


def test_a_rule_with_a_command_under_way_must_be_there_and_of_the_same_type() -> None:
    old, state = started(rule("greet"), rule("thank", execution="wait"))
    state = go(old, state).state
    assert why_not(old, state, program(rule("thank"))) == "greet is not there any more"
    note = program(rule("greet", "note"), rule("thank", execution="wait"))
    assert why_not(old, state, note) == "greet is of another type there, and its command is under way"


def test_a_rule_that_waits_may_be_of_another_type() -> None:
    old, state = waiting()
    new = program(rule("greet"), rule("ask", "note", execution="wait", run=SIX_MONTHS))
    assert states(go(new, moved(old, state, new).step.state, timedelta(days=200))) == {"greet": "done", "ask": "done"}


def test_new_rules_are_planned_after_the_place_and_passed_over_before_it() -> None:
    old, state = waiting()
    new = program(
        rule("early"),
        rule("greet", execution="wait"),
        rule("ask", execution="wait", run=SIX_MONTHS),
        rule("thank", execution="wait", run=After(months=7)),
    )
    step = moved(old, state, new).step
    assert states(step) == {"greet": "done", "ask": "waiting", "early": "skipped", "thank": "planned"}
    early = step.state.rules["early"]
    assert early.reason == "stands before ask in version 2: the run had passed that"
    assert step.state.rules["thank"].due_at == T0.replace(month=10, hour=8)
    assert {one.rule_id for one in step.changed} == {"early", "thank"}


def test_planned_rules_that_are_gone_are_cancelled_and_what_is_left_goes_on() -> None:
    old, state = waiting(rule("thank", execution="wait"), rule("end", execution="wait"))
    new = program(rule("ask", run=SIX_MONTHS), rule("end", execution="wait"))
    found = moved(old, state, new)
    assert found.before is not None
    assert [(one.rule_id, one.state, one.reason) for one in found.before.changed] == [
        ("thank", "cancelled", "not in version 2 any more")
    ]
    assert states(found.step) == {"ask": "waiting", "end": "planned"}
    acted = go(new, found.step.state, timedelta(days=200))
    assert [one.rule.name for one in go(new, done(new, acted, "ask").state).emissions] == ["end"]


def test_a_planned_rule_that_stands_before_the_place_now_does_not_act() -> None:
    old, state = waiting(rule("thank", execution="wait"))
    new = program(rule("greet"), rule("thank", execution="wait"), rule("ask", execution="wait", run=SIX_MONTHS))
    step = moved(old, state, new).step
    assert states(step) == {"greet": "done", "ask": "waiting", "thank": "cancelled"}
    acted = go(new, step.state, timedelta(days=200))
    assert done(new, acted, "ask").state.finished


def test_what_has_acted_does_not_act_again_wherever_it_stands() -> None:
    old, state = waiting()
    new = program(rule("ask", run=SIX_MONTHS), rule("greet", execution="wait"))
    step = moved(old, state, new).step
    acted = go(new, step.state, timedelta(days=200))
    assert done(new, acted, "ask").state.finished


def test_a_run_is_not_moved_where_what_the_journal_has_would_come_again() -> None:
    old, state = waiting()
    new = program(rule("ask", run=SIX_MONTHS), rule("told", execution="wait"))
    assert why_not(old, state, new, begun=frozenset(["told"])) == (
        "told has had its turn already, and would come again there"
    )


def test_a_rule_that_is_switched_off_is_decided_at_once() -> None:
    old, state = waiting(rule("thank", execution="wait"))
    new = program(
        rule("greet"), rule("ask", execution="wait", run=SIX_MONTHS, enabled=False), rule("thank", execution="wait")
    )
    step = moved(old, state, new).step
    assert step.wake_at == LATER
    assert states(go(new, step.state, timedelta(days=30))) == {"greet": "done", "ask": "skipped", "thank": "running"}


def test_a_time_that_counts_from_a_date_is_that_of_the_item_now() -> None:
    old, state = waiting()
    new = program(rule("greet"), rule("ask", execution="wait", run=At(from_="item.fields.day", no_date="wait")))
    step = moved(old, state, new, item=snapshot(day="2026-05-01")).step
    assert step.wake_at == T0.replace(month=4, day=30, hour=22)
    step = moved(old, state, new).step
    assert (step.wake_at, step.state.rules["ask"].reason) == (None, "waits for item.fields.day")


def test_the_chain_is_the_one_that_has_the_rule_at_which_the_run_is() -> None:
    old, state = waiting()
    other, same = program(rule("greet")), program(rule("ask", run=SIX_MONTHS))
    assert successor(old, state, [other, same]) is same
    with pytest.raises(NotMovableError, match="ask is not in this stage any more"):
        successor(old, state, [other])
    with pytest.raises(NotMovableError, match="nothing of it is left to begin"):
        successor(old, go(old, state, gone=True, after=timedelta(days=200)).state, [same])


def test_what_is_suspended_or_over_is_left() -> None:
    old, state = waiting()
    assert why_not(old, suspend(old, state, T0).state, old) == "it is suspended: resume it first"
    over = state.to(outcome="done")
    assert why_not(old, over, old) == "it has ended, but for the result of a command"


def test_where_a_run_is_and_what_comes_next() -> None:
    old, state = waiting(rule("thank", execution="wait"))
    (place,) = places_of(old, state)
    assert (place.name, place.state, place.until, place.next) == (
        "ask",
        "waiting",
        T0.replace(month=9, hour=8),
        "thank",
    )
