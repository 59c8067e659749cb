"""What a rule waits for: dates that change, working time, people; *else* rules; failures that pass."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest

from contracts.calendars import Schedule
from contracts.conditions import Leaf
from contracts.contexts import EmployeeContext, ItemContext
from contracts.messages.results import CommandFailed
from rule_engine.domain.authoring.document import RuleDocument
from rule_engine.domain.execution.advance import advance, begin, leave, redate, settle
from rule_engine.domain.execution.operator_actions import postpone, retry, run_now
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import LEFT
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import Step, wake_at
from rule_engine.domain.schedule.run_time import After
from support.runs import (
    FACTS,
    HALF_AN_HOUR,
    ITEM,
    NO_ACTIVITY,
    REGISTRY,
    RUN,
    T0,
    TIMES,
    context,
    done,
    go,
    program,
    rule,
    snapshot,
    started,
    states,
)

DAY_BEFORE = {"when": "before", "from": "item.fields.day", "days": 1}
APRIL_3, APRIL_9 = datetime(2026, 4, 2, 22, tzinfo=UTC), datetime(2026, 4, 8, 22, tzinfo=UTC)
"""The days before the 4th and the 10th of April begin in Rome."""


def dated(day: str | None, *rules: RuleDocument) -> tuple[Program, State]:
    """A run of an entry with that day in a field of the item."""
    made = program(*rules)
    return made, begin(made, entry(day), TIMES)


def entry(day: str | None) -> Entry:
    return Entry(ITEM, 1, T0, snapshot(day=day))


def changed(made: Program, state: State, day: str | None, after: timedelta = timedelta(hours=1)) -> Step:
    return redate(made, state, entry(None), snapshot(day=day), TIMES, T0 + after)


def at(made: Program, state: State, moment: datetime, day: str | None, seen: ItemContext | None = None) -> Step:
    return advance(made, state, entry(day), seen or context(snapshot(day=day)), moment, FACTS)


def names_of(step: Step) -> list[str]:
    """The rules that a step changed."""
    return [one.rule_id for one in step.changed]


def due_of(state: State, name: str = "remind") -> datetime | None:
    return state.rules[name].due_at


# dates


def test_a_rule_waits_for_the_day_before_a_date() -> None:
    made, state = dated("2026-04-04", rule("remind", run=DAY_BEFORE))
    assert (states(state), due_of(state)) == ({"remind": "waiting"}, APRIL_3)
    assert states(at(made, state, APRIL_3 - timedelta(seconds=1), "2026-04-04")) == {"remind": "waiting"}
    assert states(at(made, state, APRIL_3, "2026-04-04")) == {"remind": "running"}


def test_a_changed_date_moves_the_rule_that_waits_for_it() -> None:
    made, state = dated("2026-04-04", rule("remind", run=DAY_BEFORE))
    step = changed(made, state, "2026-04-10")
    assert (due_of(step.state), step.wake_at, names_of(step)) == (APRIL_9, APRIL_9, ["remind"])
    assert changed(made, step.state, "2026-04-10").changed == ()


def test_a_date_that_changed_a_moment_ago_is_seen_when_the_rule_is_about_to_act() -> None:
    made, state = dated("2026-04-04", rule("remind", run=DAY_BEFORE))
    step = at(made, state, APRIL_3, "2026-04-10")
    assert (states(step), due_of(step.state), step.wake_at) == ({"remind": "waiting"}, APRIL_9, APRIL_9)


def test_a_rule_that_keeps_its_date_acts_when_it_was_first_due() -> None:
    made, state = dated("2026-04-04", rule("remind", run=DAY_BEFORE | {"date_changes": "keep"}))
    assert changed(made, state, "2026-04-10").changed == ()
    assert states(at(made, state, APRIL_3, "2026-04-10")) == {"remind": "running"}


def test_a_later_rule_of_the_chain_moves_too_and_what_counts_from_the_entry_does_not() -> None:
    made, state = dated("2026-04-04", rule("greet"), rule("remind", run=DAY_BEFORE), rule("ask", run=HALF_AN_HOUR))
    step = changed(made, state, "2026-04-10")
    assert names_of(step) == ["remind"]
    assert states(step) == {"greet": "planned", "remind": "planned", "ask": "planned"}


def test_what_an_operator_decided_is_not_moved_by_dates() -> None:
    made, state = dated("2026-04-04", rule("remind", run=DAY_BEFORE))
    moment = T0 + timedelta(days=2)
    for acted in (postpone(made, state, "remind", moment, T0), run_now(made, state, "remind", moment)):
        assert changed(made, acted.state, "2026-04-10").changed == ()
        assert states(at(made, acted.state, moment, "2026-04-10")) == {"remind": "running"}


def test_a_date_that_is_past_lets_the_rule_act_at_once_as_due_on_entry() -> None:
    _, state = dated("2026-01-01", rule("remind", run=DAY_BEFORE))
    assert state.due_on_entry == "remind"


def test_what_was_due_on_entry_is_decided_on_the_date_of_the_entry() -> None:
    made, state = dated("2026-01-01", rule("remind", run=DAY_BEFORE))
    assert changed(made, state, "2026-04-10").changed == ()
    assert states(at(made, state, T0, "2026-01-01", context(snapshot(day="2026-04-10")))) == {"remind": "running"}


# no date


def test_without_a_date_the_rule_is_skipped_and_the_chain_goes_on() -> None:
    made, state = dated(None, rule("remind", run=DAY_BEFORE), rule("greet"))
    step = at(made, state, T0, None)
    assert states(step) == {"remind": "skipped", "greet": "running"}
    assert step.decisions[0].reason == step.state.rules["remind"].reason == "item.fields.day is empty"


def test_without_a_date_the_rule_can_act_at_once() -> None:
    made, state = dated(None, rule("remind", run=DAY_BEFORE | {"no_date": "run_now"}))
    assert states(at(made, state, T0, None)) == {"remind": "running"}


def test_without_a_date_the_rule_can_wait_for_one() -> None:
    made, state = dated(None, rule("remind", run=DAY_BEFORE | {"no_date": "wait"}))
    assert (state.due_on_entry, wake_at(made, state, T0)) == (None, None)
    assert (states(state), state.rules["remind"].reason) == ({"remind": "waiting"}, "waits for item.fields.day")
    given = changed(made, state, "2026-04-04")
    assert (given.wake_at, given.state.rules["remind"].reason) == (APRIL_3, None)
    assert states(at(made, given.state, APRIL_3, "2026-04-04")) == {"remind": "running"}


@pytest.mark.parametrize(
    ("no_date", "state", "has_timer"),
    [("skip", "skipped", True), ("run_now", "running", True), ("wait", "waiting", False)],
)
def test_an_emptied_date_does_what_the_rule_says_of_it(no_date: str, state: str, has_timer: bool) -> None:
    made, waiting = dated("2026-04-04", rule("remind", run=DAY_BEFORE | {"no_date": no_date}))
    emptied = changed(made, waiting, None)
    assert (emptied.wake_at is not None) is has_timer
    step = at(made, emptied.state, T0 + timedelta(hours=1), None)
    assert states(step) == {"remind": state}


def test_a_rule_that_keeps_its_date_and_waits_for_one_takes_the_first() -> None:
    made, state = dated(None, rule("remind", run=DAY_BEFORE | {"no_date": "wait", "date_changes": "keep"}))
    given = changed(made, state, "2026-04-04")
    assert given.wake_at == APRIL_3
    assert changed(made, given.state, "2026-04-10").changed == ()


def test_a_rule_that_waits_for_a_date_is_taken_back_when_the_item_leaves_or_runs_then() -> None:
    wait = DAY_BEFORE | {"no_date": "wait"}
    made, state = dated(None, rule("remind", run=wait))
    assert states(leave(made, state, LEFT, T0)) == {"remind": "cancelled"}
    made, state = dated(None, rule("remind", run=wait, on_leave="run_now"))
    left = leave(made, state, LEFT, T0)
    assert left.wake_at == T0
    assert states(at(made, left.state, T0, None)) == {"remind": "running"}


# working time and people

EVENING = T0.replace(hour=19)
NEXT_MORNING = datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_a_rule_whose_turn_comes_out_of_working_time_waits_until_the_next_morning() -> None:
    made, state = started(rule("greet"), rule("call", run={"when": "now", "working_time": "company"}))
    settled = done(made, go(made, state), "greet")
    step = go(made, settled.state, EVENING - T0)
    assert (states(step), step.wake_at) == ({"greet": "done", "call": "waiting"}, NEXT_MORNING)
    assert states(go(made, step.state, NEXT_MORNING - T0))["call"] == "running"


def with_sam(**schedule: Any) -> ItemContext:
    sam = EmployeeContext(id=ITEM, name="Sam", first_name="Sam", schedule=Schedule.model_validate(schedule))
    return context().model_copy(update={"responsible": sam})


def test_an_absence_that_began_after_the_entry_puts_the_rule_off() -> None:
    made, state = started(rule("call", run={"when": "after", "days": 1, "working_time": "responsible"}))
    absence = {"from": "2026-03-02T12:00:00Z", "until": "2026-03-04T12:00:00Z"}
    step = go(made, state, timedelta(days=1), with_sam(absences=[absence]))
    assert step.wake_at == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert states(go(made, step.state, timedelta(days=3), with_sam())) == {"call": "running"}


def test_a_rule_waits_until_the_responsible_person_has_clocked_in() -> None:
    made, state = started(rule("call", run={"when": "after", "days": 1, "working_time": "responsible"}))
    step = go(made, state, timedelta(days=1), with_sam(at_work=False))
    assert step.state.rules["call"].reason == "waits for the responsible person to start work"
    assert step.wake_at == T0 + timedelta(days=1, minutes=5)
    assert states(go(made, step.state, timedelta(days=1, minutes=5), with_sam(at_work=True))) == {"call": "running"}


def test_a_rule_that_is_due_when_the_company_closes_acts_then_though_it_is_a_little_late() -> None:
    made, state = dated("2026-04-06", rule("remind", run=DAY_BEFORE | {"working_time": "company"}))
    friday_evening = datetime(2026, 4, 3, 16, tzinfo=UTC)
    assert due_of(state) == friday_evening
    assert states(at(made, state, friday_evening + timedelta(seconds=5), "2026-04-06")) == {"remind": "running"}
    looked_again = at(made, state, friday_evening + timedelta(hours=1), "2026-04-06")
    assert (states(looked_again), looked_again.wake_at) == ({"remind": "waiting"}, datetime(2026, 4, 6, 7, tzinfo=UTC))


def test_an_operator_may_let_a_rule_act_out_of_working_time() -> None:
    made, state = started(rule("call", run={"when": "after", "days": 1, "working_time": "company"}))
    acted = run_now(made, state, "call", EVENING)
    assert states(go(made, acted.state, EVENING - T0)) == {"call": "running"}


def test_what_is_due_in_centuries_is_parked_for_one() -> None:
    _, state = started(rule("ask", run=After(months=1200)))
    far = state.rules["ask"].to(due_at=T0 + timedelta(days=60_000))
    made, _ = started(rule("ask", run=After(months=1200)))
    assert wake_at(made, state.to(executions={far.step: far}), T0) == T0 + timedelta(days=36_500)


# else


def test_an_else_rule_acts_when_the_condition_above_was_false() -> None:
    made, state = started(rule("greet", condition=NO_ACTIVITY), rule("thank", execution="else"))
    busy = context(snapshot(activity_count=2))
    entered = Entry(ITEM, 1, T0, snapshot(activity_count=2))
    assert states(advance(made, state, entered, busy, T0, FACTS)) == {"greet": "skipped", "thank": "running"}


def test_an_else_rule_is_skipped_when_the_one_above_has_acted() -> None:
    made, state = started(rule("note", "note", condition=NO_ACTIVITY), rule("thank", execution="else"), rule("greet"))
    step = go(made, state)
    assert states(step) == {"note": "done", "thank": "skipped", "greet": "running"}
    assert step.state.rules["thank"].reason == "not run: the condition of note was not false"


def test_of_several_else_rules_the_first_whose_condition_holds_acts_and_the_rest_is_skipped() -> None:
    one, two = (Leaf(path="item.activity_count", op="eq", value=number) for number in (1, 2))
    rules = (
        rule("first", "note", condition=one),
        rule("second", "note", condition=two, execution="else"),
        rule("third", "note", execution="else"),
        rule("last", "note"),
    )
    expected: Mapping[int, str] = {1: "first", 2: "second", 3: "third"}
    for count, name in expected.items():
        made, state = started(*rules)
        entered = Entry(ITEM, 1, T0, snapshot(activity_count=count))
        step = advance(made, state, entered, context(snapshot(activity_count=count)), T0, FACTS)
        assert [one for one, found in states(step).items() if found == "done"] == [name, "last"]


def test_an_else_rule_of_a_disabled_rule_does_not_act() -> None:
    made, state = started(rule("greet", condition=NO_ACTIVITY, enabled=False), rule("thank", "note", execution="else"))
    assert states(go(made, state)) == {"greet": "skipped", "thank": "skipped"}


def test_an_else_rule_of_a_disabled_rule_that_is_cancelled_on_leaving_does_not_wait_for_its_time() -> None:
    made = program(rule("a", enabled=False), rule("b", execution="else", run=HALF_AN_HOUR, on_leave="finish"))
    left = leave(made, begin(made, entry(None), TIMES), LEFT, T0)
    assert left.wake_at == T0
    assert states(at(made, left.state, T0, None)) == {"a": "cancelled", "b": "skipped"}


def test_an_else_rule_waits_for_its_own_time() -> None:
    made, state = started(rule("greet", condition=NO_ACTIVITY), rule("thank", execution="else", run=HALF_AN_HOUR))
    entered = Entry(ITEM, 1, T0, snapshot(activity_count=2))
    step = advance(made, state, entered, context(snapshot(activity_count=2)), T0, FACTS)
    assert (states(step)["thank"], step.wake_at) == ("waiting", T0 + timedelta(minutes=30))


# failures that pass

THRICE = {"times": 3, "after_seconds": 60}


def failed(made: Program, state: State, now: datetime, *, retryable: bool = True) -> Step:
    command_id = state.rules["greet"].command_id
    assert command_id is not None
    result = CommandFailed(command_id=command_id, reason="the server is away", retryable=retryable)
    return settle(made, state, command_id, result, now, REGISTRY)


def test_a_failure_that_may_pass_is_tried_again_at_growing_distances_with_new_commands() -> None:
    made, state = started(rule("greet", retry=THRICE))
    now, commands = T0, []
    for pause in (60, 120, 240):
        step = go(made, state, now - T0)
        commands += [emission.command_id for emission in step.emissions]
        step = failed(made, step.state, now)
        now += timedelta(seconds=pause)
        assert (states(step), step.wake_at) == ({"greet": "waiting"}, now)
        assert step.state.rules["greet"].reason == f"failed: the server is away; tried again {now.isoformat()}"
        state = step.state
    step = go(made, state, now - T0)
    commands += [emission.command_id for emission in step.emissions]
    assert states(failed(made, step.state, now)) == {"greet": "failed"}
    assert commands == [uuid5(RUN, f"step/1/{number}") for number in range(4)]


def test_a_failure_that_cannot_pass_or_without_a_policy_is_final() -> None:
    made, state = started(rule("greet", retry=THRICE))
    assert states(failed(made, go(made, state).state, T0, retryable=False)) == {"greet": "failed"}
    made, state = started(rule("greet"))
    assert states(failed(made, go(made, state).state, T0)) == {"greet": "failed"}


def test_the_rest_of_the_chain_waits_while_a_failure_is_tried_again() -> None:
    made, state = started(rule("greet", retry=THRICE), rule("thank"))
    step = failed(made, go(made, state).state, T0)
    assert states(step) == {"greet": "waiting", "thank": "planned"}
    assert states(go(made, step.state, timedelta(seconds=59))) == {"greet": "waiting", "thank": "planned"}


def test_an_operators_retry_starts_the_policy_anew() -> None:
    made, state = started(rule("greet", retry={"times": 1}))
    step = failed(made, go(made, state).state, T0)
    final = failed(made, go(made, step.state, timedelta(minutes=1)).state, T0)
    acted = retry(made, final.state, "greet", T0)
    again = failed(made, go(made, acted.state).state, T0)
    assert states(again) == {"greet": "waiting"}


def test_leaving_while_a_failure_waits_to_be_tried_again_cancels_the_rule() -> None:
    made, state = started(rule("note", "note"), rule("greet", retry=THRICE))
    step = failed(made, go(made, state).state, T0)
    assert states(leave(made, step.state, LEFT, T0)) == {"note": "done", "greet": "cancelled"}
