"""The turns of rules: those that are due act one by one, and blocks go on, as far as a run can at one moment."""

from dataclasses import dataclass, field

from contracts.contexts import ItemContext
from rule_engine.domain.execution.deciding import decide
from rule_engine.domain.execution.interpreter import Interpreter
from rule_engine.domain.execution.item_values import ItemValues
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.rescheduling import (
    absence_reason,
    due_now,
    may_be_postponed,
    waiting_reason,
    waits_for_time,
)
from rule_engine.domain.execution.running import DELETED, LEFT, Running
from rule_engine.domain.execution.state import DUE, Entry, Execution
from rule_engine.domain.execution.step import RunFacts, waits_for_date
from rule_engine.domain.schedule.due import times_in

AT_ONCE = 250
"""Rules that decide in one step; others are decided in the next one, which follows at once."""


@dataclass(slots=True)
class Turns:
    """Those of one run, with what its rules decide by; `context` null: the item does not exist any more."""

    run: Running
    entry: Entry
    context: ItemContext | None
    facts: RunFacts
    values: ItemValues | None = field(init=False)
    interpreter: Interpreter = field(init=False)

    def __post_init__(self) -> None:
        self.values = None if self.context is None else ItemValues(self.context, self.entry, self.facts)
        self.interpreter = Interpreter(self.run, self.values)

    def take(self) -> None:
        """Every turn that can be taken now; with `one_turn` until one rule has decided."""
        self.run.stored = self.facts.stored
        self._wake_frames()
        self.interpreter.take_notes()
        taken: set[tuple[int, int]] = set()
        while not self._is_enough() and (one := self._next(taken)) is not None:
            taken.add((one.step, one.attempt))
            self._take_turn(one)
            self.interpreter.take_notes()

    def _is_enough(self) -> bool:
        return len(self.run.decisions) >= (1 if self.facts.one_turn else AT_ONCE) or not self.interpreter.room

    def _wake_frames(self) -> None:
        for frame in list(self.run.frames.values()):
            if frame.until is not None and frame.until <= self.run.now:
                told = any(note.what == "due" for note in frame.inbox)
                if not told:
                    self.run.tell(frame.step, DUE)

    def _next(self, taken: set[tuple[int, int]]) -> Execution | None:
        """The first rule whose turn it is and that has not been looked at in this step."""
        for one in self.run.executions.values():
            if one.acts_next and (one.step, one.attempt) not in taken:
                return one
        return None

    def _take_turn(self, one: Execution) -> None:
        run, rule = self.run, self.run.rule(one.step)
        if not rule.enabled:
            run.end(one.step, "skipped", "the rule is disabled")
        elif rule.otherwise and (reason := self._not_otherwise(one)):
            run.end(one.step, "skipped", reason)
        elif waits_for_time(rule, one, run.now):
            run.set(one.step, state="waiting", reason=one.reason or waiting_reason(rule, one))
        elif self.values is None:
            run.cancel_all(DELETED)
        elif self._has_left(rule, self.values.context):
            run.cancel_all(LEFT)
        elif not self._is_postponed(one, rule, self.values.context):
            decide(run, one.step, self.values)

    def _has_left(self, rule: RuleBlock, context: ItemContext) -> bool:
        in_stage = self.run.program.workflow is None
        return in_stage and context.item.entry_seq != self.entry.entry_seq and not self.run.stays(rule)

    def _not_otherwise(self, one: Execution) -> str | None:
        """Why an *else* rule does not act; null when the condition above it was false."""
        above = (*one.path[:-1], one.path[-1] - 1)
        found = next((other for other in self.run.siblings(one) if other.path == above), None)
        if found is not None and found.condition_false:
            return None
        return f"not run: the condition of {self.run.program.rules_by_path[above].name} was not false"

    def _is_postponed(self, one: Execution, rule: RuleBlock, context: ItemContext) -> bool:
        """Whether by now the date it counts from, or working time, says later; a rule due on entry is not postponed."""
        if one.manually_scheduled or one.rule_id == self.run.state.due_on_entry or not may_be_postponed(rule, one):
            return False
        times = times_in(context)
        found = due_now(rule, one, self.entry, context.item, times, self.run.now)
        one = self.run.set(one.step, date_missing=found.missing)
        if not waits_for_date(rule, one) and (found.at is None or found.at <= self.run.now):
            return False
        reason = waiting_reason(rule, one) or absence_reason(rule, times)
        self.run.set(one.step, due_at=found.at, state="waiting", reason=reason)
        return True
