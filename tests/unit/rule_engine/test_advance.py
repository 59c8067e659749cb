"""The core: how a run goes on, what leaving takes back, what operators can order."""

from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.conditions import Leaf
from contracts.contexts import ItemContext
from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandProgress, CommandRefused
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.advance import fail, leave, redate, settle
from rule_engine.domain.execution.operator_actions import OPERATOR, cancel, postpone, retry, run_now
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import DELETED, LEFT
from rule_engine.domain.execution.state import ENDED, State
from rule_engine.domain.execution.step import Step, needs_context, wake_at
from support.runs import (
    ENTRY,
    HALF_AN_HOUR,
    NO_ACTIVITY,
    REGISTRY,
    RUN,
    T0,
    TIMES,
    context,
    go,
    program,
    rule,
    snapshot,
    started,
    states,
)

MINUTE = timedelta(minutes=1)


def done(made: Program, step: Step, name: str, **outputs: str) -> Step:
    command_id = step.state.rules[name].command_id
    assert command_id is not None
    return settle(made, step.state, command_id, CommandDone(command_id=command_id, outputs=outputs), T0, REGISTRY)


def refused(made: Program, step: Step, name: str, reason: str) -> Step:
    command_id = step.state.rules[name].command_id
    assert command_id is not None
    return settle(made, step.state, command_id, CommandRefused(command_id=command_id, reason=reason), T0, REGISTRY)


def test_a_rule_due_on_entry_is_owed_and_emits_its_command_at_once() -> None:
    made, state = started(rule("greet"))
    step = go(made, state)
    assert state.due_on_entry == "greet"
    assert [emission.command_id for emission in step.emissions] == [uuid5(RUN, "0/0")]
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


def test_an_owed_rule_is_decided_on_the_snapshot_of_the_entry() -> None:
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


@pytest.mark.invariant(3)
def test_leaving_cancels_what_still_waits_but_not_what_is_owed() -> None:
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


def test_a_deleted_item_cancels_everything_even_what_is_owed() -> None:
    made, state = started(rule("greet"), rule("later"))
    step = go(made, state, gone=True)
    assert states(step) == {"greet": "cancelled", "later": "cancelled"}
    assert {progress.reason for progress in step.state.rules.values()} == {DELETED}


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
    told = CommandProgress(command_id=running.emissions[0].command_id, state="quiet hours", until=T0 + MINUTE)
    step = settle(made, running.state, told.command_id, told, T0, REGISTRY)
    assert step.state.rules["greet"].reason == "quiet hours until 2026-03-02T09:01:00+00:00"
    assert states(step) == {"greet": "running"}


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


def test_a_defect_fails_the_run_with_its_reason() -> None:
    made, state = started(rule("greet"), rule("then"))
    step = fail(made, state, "a defect", T0)
    assert set(states(step).values()) == {"failed"}
    assert step.state.finished


def test_the_context_is_asked_for_only_when_a_rule_is_due() -> None:
    made, state = started(rule("remind", run=HALF_AN_HOUR))
    assert not needs_context(made, state, T0)
    assert needs_context(made, state, T0 + timedelta(minutes=30))


OPTIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["say", "note", "decline", "break"]),
        "run": st.sampled_from(
            [
                {"when": "now"},
                {"when": "after", "minutes": 30},
                {"when": "after", "working_hours": 2},
                {"when": "after", "from": "item.fields.day", "minutes": 30},
                {"when": "at", "from": "item.fields.day", "no_date": "run_now", "working_time": "company"},
            ]
        ),
        "retry": st.sampled_from([None, {"times": 1, "after_seconds": 60}]),
        "on_leave": st.sampled_from(["cancel", "finish", "run_now"]),
        "on_failure": st.sampled_from(["stop", "continue"]),
        "enabled": st.booleans(),
        "condition": st.sampled_from([None, {"path": "item.activity_count", "op": "eq", "value": 0}]),
    }
)
EVENTS = st.lists(
    st.sampled_from(
        ["advance", "hour", "done", "refused", "cancelled", "failed", "leave", "retry", "run_now", "cancel", "date"]
    ),
    max_size=25,
)


@pytest.mark.invariant(1)
@pytest.mark.invariant(3)
@given(chain=st.lists(OPTIONS, min_size=1, max_size=4), events=EVENTS)
@settings(max_examples=300)
def test_whatever_happens_every_rule_ends_once_and_no_command_is_emitted_twice(
    chain: list[dict[str, object]], events: list[str]
) -> None:
    rules = [rule(f"r{i}", execution="wait", **options) for i, options in enumerate(chain)]  # type: ignore[arg-type]
    made, state = started(*rules)
    play = Play(made, state)
    for event in [*events, "leave", *["hour"] * 30, *["advance", "done"] * 4]:
        play.happen(event)
    assert len(play.emitted) == len(set(play.emitted))
    assert play.state.finished
    assert all(progress.state in ENDED for progress in play.state.rules.values())
    assert not play.emitted_after_leaving


class Play:
    """Plays events on a run, as the engine would, and remembers what was emitted."""

    def __init__(self, made: Program, state: State) -> None:
        self.made = made
        self.state = state
        self.now = T0
        self.left = False
        self.day: str | None = None
        self.emitted: list[UUID] = []
        self.emitted_after_leaving: list[str] = []

    def happen(self, event: str) -> None:
        try:
            step = self._step(event)
        except RunError:
            return
        self.state = step.state
        self.emitted += [emission.command_id for emission in step.emissions]
        if self.left:
            self.emitted_after_leaving += [
                emission.rule.name
                for emission in step.emissions
                if emission.rule.rule_id != self.state.due_on_entry and emission.rule.on_leave == "cancel"
            ]

    def _step(self, event: str) -> Step:
        running = [p for p in self.state.rules.values() if p.state == "running"]
        command_id = running[0].command_id if running and running[0].command_id else uuid4()
        match event:
            case "hour":
                self.now += timedelta(hours=1)
                return self._step("advance")
            case "advance":
                return go(self.made, self.state, self.now - T0, self._seen())
            case "date":
                self.day = (self.now + timedelta(hours=1)).isoformat() if self.day is None else None
                return redate(self.made, self.state, ENTRY, self._seen().item, TIMES, self.now)
            case "done":
                return self._settle(CommandDone(command_id=command_id))
            case "refused" | "cancelled":
                reason = CANCELLED if event == "cancelled" else "no"
                return self._settle(CommandRefused(command_id=command_id, reason=reason))
            case "failed":
                return self._settle(CommandFailed(command_id=command_id, reason="no", retryable=True))
            case "leave":
                self.left = True
                return leave(self.made, self.state, LEFT, self.now)
            case "retry":
                return retry(self.made, self.state, self.made.rules()[0].rule_id, self.now)
            case "run_now":
                return run_now(self.made, self.state, self.made.rules()[-1].rule_id, self.now)
            case _:
                return cancel(self.made, self.state, self.made.rules()[0].rule_id, self.now)

    def _seen(self) -> ItemContext:
        return context(snapshot(entry_seq=2 if self.left else 1, day=self.day))

    def _settle(self, result: CommandDone | CommandRefused | CommandFailed) -> Step:
        return settle(self.made, self.state, result.command_id, result, self.now, REGISTRY)


def test_a_program_survives_being_stored() -> None:
    made = program(rule("greet", condition=NO_ACTIVITY), rule("remind", run=HALF_AN_HOUR))
    assert Program.model_validate(made.model_dump(mode="json", by_alias=True)) == made
