"""Planning for items that are in the stage already."""

from datetime import timedelta

from rule_engine.domain.execution.backfills import begin_backfill
from rule_engine.domain.execution.state import RuleProgress
from support.runs import ENTRY, HALF_AN_HOUR, TIMES, go, program, rule, states

HALF_AN_HOUR_LATER = timedelta(minutes=30)
DONE = RuleProgress(state="done", outputs={"said": "hello"})


def test_a_chain_that_the_entry_has_not_planned_begins_without_a_rule_due_on_entry() -> None:
    state = begin_backfill(program(rule("a"), rule("b")), {}, ENTRY, TIMES)
    assert state is not None
    assert (state.due_on_entry, states(state)) == (None, {"a": "planned", "b": "planned"})


def test_only_what_is_new_in_a_chain_acts_and_it_sees_what_was_put_out_before() -> None:
    made = program(rule("a", "note"), rule("b", params={"text": "{{ steps.a.said }}"}))
    state = begin_backfill(made, {"a": DONE}, ENTRY, TIMES)
    assert state is not None
    step = go(made, state, HALF_AN_HOUR_LATER)
    assert [(one.rule.name, one.body.model_dump()["text"]) for one in step.emissions] == [("b", "hello")]


def test_what_was_due_long_ago_acts_at_once_and_a_chain_without_news_is_left_alone() -> None:
    made = program(rule("a", run=HALF_AN_HOUR))
    state = begin_backfill(made, {}, ENTRY, TIMES)
    assert state is not None
    assert states(go(made, state, HALF_AN_HOUR_LATER * 2)) == {"a": "running"}
    assert begin_backfill(made, {"a": DONE}, ENTRY, TIMES) is None


def test_a_chain_that_is_still_under_way_is_left_alone() -> None:
    waiting = RuleProgress(state="waiting")
    assert begin_backfill(program(rule("a"), rule("b")), {"a": waiting}, ENTRY, TIMES) is None


def test_what_a_failure_stopped_then_stops_what_is_new() -> None:
    made = program(rule("a"), rule("b"))
    state = begin_backfill(made, {"a": RuleProgress(state="failed", reason="no address")}, ENTRY, TIMES)
    assert state is not None
    assert states(go(made, state)) == {"a": "failed", "b": "cancelled"}
