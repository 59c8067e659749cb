"""The turns of rules: each cursor goes from rule to rule, as far as it can at one moment."""

from dataclasses import dataclass

from contracts.contexts import ItemContext
from rule_engine.domain.execution.deciding import decide
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.rescheduling import absence_reason, due_now, waiting_reason, waits_for_time
from rule_engine.domain.execution.running import DELETED, LEFT, Running
from rule_engine.domain.execution.state import ENDED, Cursor, Entry, next_place, rule_at
from rule_engine.domain.execution.step import RunFacts, waits_for_date
from rule_engine.domain.schedule.due import times_in


@dataclass(frozen=True, slots=True)
class Turns:
    """Those of one run, with what its rules decide by; `context` null: the item does not exist any more."""

    run: Running
    entry: Entry
    context: ItemContext | None
    facts: RunFacts

    def take(self) -> None:
        """Every turn that can be taken now; with `one_turn` until one rule has decided."""
        self.run.stored = self.facts.stored
        for index in range(len(self.run.cursors)):
            if not self._is_enough():
                self._go_on_from(index)

    def _is_enough(self) -> bool:
        return self.facts.one_turn and bool(self.run.decisions)

    def _go_on_from(self, index: int) -> None:
        run = self.run
        place: tuple[int, ...] | None = run.cursors[index].place
        while place is not None:
            run.cursors[index] = Cursor(place=place)
            rule = rule_at(run.program, place)
            if run.rules[rule.rule_id].state not in (*ENDED, "running"):
                self._take_turn(rule)
            if not run.has_passed(rule) or self._is_enough():
                return
            place = next_place(run.program, place)

    def _take_turn(self, rule: RuleBlock) -> None:
        run, progress = self.run, self.run.rules[rule.rule_id]
        if not rule.enabled:
            run.end(rule, "skipped", "the rule is disabled")
        elif rule.otherwise and (reason := self._not_otherwise(rule)):
            run.end(rule, "skipped", reason)
        elif waits_for_time(rule, progress, run.now):
            run.set(rule, state="waiting", reason=progress.reason or waiting_reason(rule, progress))
        elif self.context is None:
            run.cancel_all(DELETED)
        elif self.context.item.entry_seq != self.entry.entry_seq and not run.stays(rule):
            run.cancel_all(LEFT)
        elif not self._is_postponed(rule, self.context):
            decide(run, rule, self.entry, self.context, self.facts)

    def _not_otherwise(self, rule: RuleBlock) -> str | None:
        """Why an *else* rule does not act; null when the condition above it was false."""
        rules = self.run.program.rules()
        above = rules[rules.index(rule) - 1]
        if self.run.rules[above.rule_id].condition_false:
            return None
        return f"not run: the condition of {above.name} was not false"

    def _is_postponed(self, rule: RuleBlock, context: ItemContext) -> bool:
        """Whether by now the date it counts from, or working time, says later; a rule due on entry is not postponed."""
        run, progress = self.run, self.run.rules[rule.rule_id]
        if progress.manually_scheduled or rule.rule_id == run.state.due_on_entry:
            return False
        times = times_in(context)
        found = due_now(rule, progress, self.entry, context.item, times, run.now)
        if found is None:
            return False
        run.set(rule, date_missing=found.missing)
        if not waits_for_date(rule, run.rules[rule.rule_id]) and (found.at is None or found.at <= run.now):
            return False
        reason = waiting_reason(rule, run.rules[rule.rule_id]) or absence_reason(rule, times)
        run.set(rule, due_at=found.at, state="waiting", reason=reason)
        return True
