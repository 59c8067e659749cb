"""The core: whatever happens to a run in whatever order, each rule ends once, and no command is sent twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.contexts import ItemContext
from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandRefused
from rule_engine.domain.errors import NotMovableError, RunError
from rule_engine.domain.execution.advance import leave, redate, settle
from rule_engine.domain.execution.migration import Target, migrate, successor
from rule_engine.domain.execution.operator_actions import cancel, retry, run_now
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import LEFT
from rule_engine.domain.execution.state import ENDED, State
from rule_engine.domain.execution.step import Step
from support.runs import (
    ENTRY,
    REGISTRY,
    T0,
    TIMES,
    context,
    go,
    program,
    rule,
    snapshot,
    started,
)

MINUTE = timedelta(minutes=1)


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
@settings(max_examples=100)
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
        self.acted: list[str] = []
        self.emitted_after_leaving: list[str] = []

    def happen(self, event: str) -> None:
        try:
            step = self._step(event)
        except RunError:
            return
        self.state = step.state
        self.emitted += [emission.command_id for emission in step.emissions]
        self.acted += [emission.rule.rule_id for emission in step.emissions]
        if self.left:
            self.emitted_after_leaving += [
                emission.rule.name
                for emission in step.emissions
                if emission.rule.rule_id != self.state.due_on_entry and emission.rule.on_leave == "cancel"
            ]

    def move(self, new: Program) -> None:
        """Goes on in another version, if that has a place for it."""
        begun = frozenset(one.rule_id for one in self.state.executions.values() if one.state != "cancelled")
        target = Target(new, 2, ENTRY, self._seen().item, TIMES, self.now, begun)
        try:
            moved = migrate(self.made, self.state, target)
            assert successor(self.made, self.state, [new]) is new
        except NotMovableError:
            return
        self.made, self.state = new, moved.step.state

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


@pytest.mark.invariant(1)
@pytest.mark.invariant(2)
@given(
    chain=st.lists(OPTIONS, min_size=1, max_size=4),
    later=st.lists(st.tuples(st.integers(min_value=0, max_value=6), OPTIONS), min_size=1, max_size=5),
    events=EVENTS,
    after=st.integers(min_value=0, max_value=10),
)
@settings(max_examples=100)
def test_a_run_that_is_moved_to_whatever_version_ends_and_no_rule_acts_twice(
    chain: list[dict[str, Any]], later: list[tuple[int, dict[str, Any]]], events: list[str], after: int
) -> None:
    kept = {number: options for number, options in reversed(later)}  # rules 0 to 3 are those of the chain
    made, state = started(*(rule(f"r{i}", execution="wait", **options) for i, options in enumerate(chain)))
    new = program(*(rule(f"r{i}", execution="wait", **options) for i, options in kept.items()))
    play = Play(made, state)
    for event in events[:after]:
        play.happen(event)
    left = play.left
    retried = "retry" in events or any(options["retry"] for options in (*chain, *kept.values()))
    if not left:
        play.move(new)
    for event in [*events[after:], *["advance", "done"] * 9, "leave", *["hour"] * 30, *["advance", "done"] * 4]:
        play.happen(event)
    assert len(play.emitted) == len(set(play.emitted))
    assert play.state.finished
    assert all(progress.state in ENDED for progress in play.state.rules.values())
    if not retried:
        assert len(play.acted) == len(set(play.acted))
