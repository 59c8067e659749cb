"""A run while it is being worked on: collects what changes, and gives it as one `Step`."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.messages.rule_events import RuleState
from contracts.texts import readable_reason
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.state import ENDED, Cursor, RuleProgress, State, first_place, next_place, rule_at
from rule_engine.domain.execution.step import Decision, Emission, Step, wake_at
from rule_engine.domain.language.variables import Assigned, Stored

LEFT = "left the stage"
DELETED = "the item was deleted"


@dataclass(slots=True)
class Running:
    """A run at one moment; its methods change it, `result` tells what changed."""

    program: Program
    state: State
    now: datetime
    rules: dict[str, RuleProgress] = field(init=False)
    cursors: list[Cursor] = field(init=False)
    step: int = field(init=False)
    emissions: list[Emission] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    cancellations: list[UUID] = field(default_factory=list)
    assigned: list[Assigned] = field(default_factory=list)
    stored: Stored = field(default_factory=Stored)
    over_budget: int = 0
    changed: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = dict(self.state.rules)
        self.cursors = list(self.state.cursors)
        self.step = self.state.step

    def result(self) -> Step:
        """Removes finished cursors; the others stay where they are."""
        self.cursors = [cursor for cursor in self.cursors if not self._at_end(cursor)]
        state = self.state.model_copy(
            update={"step": self.step, "cursors": tuple(self.cursors), "rules": dict(self.rules)}
        )
        return Step(
            state=state,
            emissions=tuple(self.emissions),
            decisions=tuple(self.decisions),
            cancellations=tuple(self.cancellations),
            assigned=tuple(self.assigned),
            over_budget=self.over_budget,
            changed=tuple(self.changed),
            wake_at=wake_at(self.program, state, self.now),
        )

    def _at_end(self, cursor: Cursor) -> bool:
        """Whether nothing is left to do from this cursor on."""
        rule = rule_at(self.program, cursor.place)
        rest = [rule, *self.rules_after(rule)]
        return all(self.rules[one.rule_id].state in ENDED for one in rest)

    def rules_after(self, rule: RuleBlock) -> list[RuleBlock]:
        rules = self.program.rules()
        return list(rules[rules.index(rule) + 1 :])

    # one rule

    def set(self, rule: RuleBlock, **changes: object) -> None:
        progress = self.rules[rule.rule_id]
        if isinstance(reason := changes.get("reason"), str):
            changes["reason"] = readable_reason(reason)
        updated = progress.to(**changes)
        if updated != progress:
            self.rules[rule.rule_id] = updated.to(changed_at=self.now)
            self.changed[rule.rule_id] = None

    def end(self, rule: RuleBlock, state: RuleState, reason: str | None = None) -> None:
        """Ends a rule without a decision of its own."""
        self.set(rule, state=state, reason=reason, cancelling=None, retry_after=False)

    def fail(self, rule: RuleBlock, reason: str) -> None:
        """Ends a rule as failed, with a decision that quotes no values."""
        self.end(rule, "failed", reason)
        self.decisions.append(Decision(rule, "failed", self.rules[rule.rule_id].reason, {}))

    def cancel(self, rule: RuleBlock, reason: str) -> None:
        """Cancels a rule; one with a command under way when its owner says that nothing was done.

        A new attempt that an operator wanted then is called off.
        """
        progress = self.rules[rule.rule_id]
        asked = progress.cancelling is not None and not progress.retry_after
        if progress.state == "running" and progress.command_id is not None and not asked:
            self.set(rule, cancelling=reason, retry_after=False, reason=f"{reason}; its command is being cancelled")
            self.cancellations.append(progress.command_id)
        elif progress.state not in (*ENDED, "running"):
            self.end(rule, "cancelled", reason)

    def plan_again(self, rule: RuleBlock, due_at: datetime | None = None) -> None:
        """Puts the rule back to its turn, now or later, and revives the rules that its failure had stopped.

        Without `due_at` an operator has asked for it: it acts now, and its policy counts anew.
        """
        progress = self.rules[rule.rule_id]
        stopped = {_stop_reason(rule, "failed"), _stop_reason(rule, "refused")}
        for later in self.rules_after(rule):
            if self.rules[later.rule_id].reason in stopped:
                self.set(later, state="planned", reason=None)
        self.set(
            rule,
            state="planned",
            reason=None,
            attempt=progress.attempt + 1,
            command_id=None,
            cancelling=None,
            retry_after=False,
            due_at=due_at or self.now,
            manually_scheduled=due_at is None,
            retries=progress.retries if due_at else 0,
            condition_false=False,
        )
        cursor = Cursor(place=_place_of(self.program, rule))
        if cursor not in self.cursors:
            self.cursors.append(cursor)

    # all of them

    def stays(self, rule: RuleBlock) -> bool:
        """Whether leaving the stage does not cancel the rule."""
        return rule.rule_id == self.state.due_on_entry or rule.on_leave in ("finish", "run_now")

    def cancel_all(self, reason: str) -> None:
        """Cancels the rules that do not stay; all of them when the item was deleted."""
        for rule in self.program.rules():
            if reason != LEFT or not self.stays(rule):
                self.cancel(rule, reason)

    def has_passed(self, rule: RuleBlock) -> bool:
        """Whether the rules after this one may go on; those that its failure stops are cancelled with that reason."""
        state = self.rules[rule.rule_id].state
        if state in ("refused", "failed") and rule.on_failure == "stop":
            self._stop_after(rule, state)
            return True
        return state in ENDED

    def _stop_after(self, rule: RuleBlock, state: RuleState) -> None:
        """A later rule that an operator has started again goes on: its command is under way."""
        for later in self.rules_after(rule):
            if self.rules[later.rule_id].state not in (*ENDED, "running"):
                self.end(later, "cancelled", _stop_reason(rule, state))

    def finish_turn(self) -> Step:
        """After a result or an operator's action: the cursors stand still, `advance` goes on from them."""
        for cursor in self.cursors:
            self.has_passed(rule_at(self.program, cursor.place))
        return self.result()


def _stop_reason(rule: RuleBlock, state: RuleState) -> str:
    return f"not run: {rule.name} was {state}" if state == "refused" else f"not run: {rule.name} {state}"


def _place_of(program: Program, rule: RuleBlock) -> tuple[int, ...]:
    place: tuple[int, ...] | None = first_place(program.root)
    while place is not None and rule_at(program, place) != rule:
        place = next_place(program, place)
    assert place is not None  # noqa: S101 - the rule is one of this program's
    return place
