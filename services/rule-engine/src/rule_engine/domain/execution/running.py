"""A run while it is being worked on: collects what changes, and gives it as one `Step`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue, ValidationError

from contracts.budget import BudgetError, spending
from contracts.conditions import ConditionError, LeafVerdict, look_up
from contracts.contexts import ItemContext
from contracts.envelope import Body
from contracts.issues import issues_of
from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.actions import ActionContext, Completed, Failure, Outputs, Params, Refusal
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.missing_outputs import explained
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.state import (
    ENDED,
    Cursor,
    Entry,
    RuleProgress,
    State,
    first_place,
    next_place,
    rule_at,
)
from rule_engine.domain.execution.step import Decision, Emission, RunFacts, Step, waits_for_date, wake_at
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.conditions import paths_of as read_by
from rule_engine.domain.language.limits import cut_texts, quotable, readable_reason, refuse_command, refuse_outputs
from rule_engine.domain.language.values import paths_of, resolve, values_of
from rule_engine.domain.language.variables import Assigned, Stored
from rule_engine.domain.schedule.due import Due, Times, due, times_in
from rule_engine.domain.schedule.run_time import ENTRY, Now

type Answer = Body | Outputs | Completed | Refusal | Failure
"""What a rule type says when it acts."""

LEFT = "left the stage"
DELETED = "the item was deleted"
ON_TIME = timedelta(minutes=10)
"""Up to ten minutes late counts as on time: a rule that is due when the company closes still acts then."""


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
    note: str | None = None
    """What its decision says beside the state: what was left out of its texts."""

    def __post_init__(self) -> None:
        self.rules = dict(self.state.rules)
        self.cursors = list(self.state.cursors)
        self.step = self.state.step

    def result(self) -> Step:
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

    # going on

    def advance(self, entry: Entry, context: ItemContext | None, run: RunFacts) -> Step:
        self.stored = run.stored
        for index in range(len(self.cursors)):
            if not self._had_its_turn(run):
                self._advance_cursor(index, entry, context, run)
        self._drop_finished_cursors()
        return self.result()

    def _advance_cursor(self, index: int, entry: Entry, context: ItemContext | None, run: RunFacts) -> None:
        place: tuple[int, ...] | None = self.cursors[index].place
        while place is not None:
            self.cursors[index] = Cursor(place=place)
            rule = rule_at(self.program, place)
            if self.rules[rule.rule_id].state not in ENDED:
                self._take_turn(rule, entry, context, run)
            if not self._passed(rule) or self._had_its_turn(run):
                return
            place = next_place(self.program, place)

    def _had_its_turn(self, run: RunFacts) -> bool:
        return run.one_turn and bool(self.decisions)

    def _passed(self, rule: RuleBlock) -> bool:
        """Whether the rules after this one may go on; what stops them is said to each of them."""
        state = self.rules[rule.rule_id].state
        if state in ("refused", "failed") and rule.on_failure == "stop":
            self._stop_after(rule, state)
            return True
        return state in ENDED

    def _stop_after(self, rule: RuleBlock, state: RuleState) -> None:
        """One that an operator has started again by itself goes on: its command is under way."""
        for later in _after(self.program, rule):
            if self.rules[later.rule_id].state not in (*ENDED, "running"):
                self.end(later, "cancelled", stopped_by(rule, state))

    def _take_turn(self, rule: RuleBlock, entry: Entry, context: ItemContext | None, run: RunFacts) -> None:
        progress = self.rules[rule.rule_id]
        if progress.state == "running":
            return
        if not rule.enabled:
            self.end(rule, "skipped", "the rule is disabled")
        elif rule.otherwise and (why_not := self._not_otherwise(rule)):
            self.end(rule, "skipped", why_not)
        elif waits_for_date(rule, progress) or (progress.due_at is not None and progress.due_at > self.now):
            self.set(rule, state="waiting", reason=progress.reason or waiting_for(rule, progress))
        elif context is None:
            self._take_back_all(DELETED)
        elif context.item.entry_seq != entry.entry_seq and not self.stays(rule):
            self._take_back_all(LEFT)
        elif not self._is_put_off(rule, entry, context):
            self._decide(rule, entry, context, run)

    def _not_otherwise(self, rule: RuleBlock) -> str | None:
        """Why an *else* rule does not act; null when the condition above it was false."""
        rules = self.program.rules()
        above = rules[rules.index(rule) - 1]
        if self.rules[above.rule_id].condition_false:
            return None
        return f"not run: the condition of {above.name} was not false"

    def _is_put_off(self, rule: RuleBlock, entry: Entry, context: ItemContext) -> bool:
        """Whether by now the date it counts from, or working time, says later; a rule due on entry is not put off."""
        progress = self.rules[rule.rule_id]
        if progress.manually_scheduled or rule.rule_id == self.state.due_on_entry:
            return False
        times = times_in(context)
        found = self._due_now(rule, entry, context.item, times)
        if found is None:
            return False
        self.set(rule, date_missing=found.missing)
        if not waits_for_date(rule, self.rules[rule.rule_id]) and (found.at is None or found.at <= self.now):
            return False
        reason = waiting_for(rule, self.rules[rule.rule_id]) or _absence(rule, times)
        self.set(rule, due_at=found.at, state="waiting", reason=reason)
        return True

    def _due_now(self, rule: RuleBlock, entry: Entry, item: ItemSnapshot, times: Times) -> Due | None:
        """When a rule whose time has come may act; null: now, whatever has changed."""
        progress = self.rules[rule.rule_id]
        now = progress.due_at if progress.due_at and self.now - progress.due_at <= ON_TIME else self.now
        if _follows(rule, progress):
            return due(rule.run, entry.entered_at, item, times, now)
        if rule.run.working != "none":
            return due(Now(working_time=rule.run.working), entry.entered_at, item, times, now)
        return None

    def redate(self, entry: Entry, item: ItemSnapshot, times: Times) -> Step:
        for rule in self.program.rules():
            progress = self.rules[rule.rule_id]
            decided = progress.manually_scheduled or progress.attempt or rule.rule_id == self.state.due_on_entry
            if _follows(rule, progress) and progress.state in ("planned", "waiting") and not decided:
                found = due(rule.run, entry.entered_at, item, times, self.now)
                if (found.at, found.missing) != (progress.due_at, progress.date_missing):
                    self._redate(rule, found)
        return self.result()

    def _redate(self, rule: RuleBlock, found: Due) -> None:
        self.set(rule, due_at=found.at, date_missing=found.missing)
        if self.rules[rule.rule_id].state == "waiting":
            self.set(rule, reason=waiting_for(rule, self.rules[rule.rule_id]))

    def stays(self, rule: RuleBlock) -> bool:
        """Whether leaving the stage does not take the rule back."""
        return rule.rule_id == self.state.due_on_entry or rule.on_leave in ("finish", "run_now")

    def _decide(self, rule: RuleBlock, entry: Entry, context: ItemContext, run: RunFacts) -> None:
        view = _as_owed(context, entry, self.program) if rule.rule_id == self.state.due_on_entry else context
        steps = self.state.model_copy(update={"rules": self.rules}).outputs(self.program)
        seed = f"{run.run_id}/{rule.rule_id}/{self.rules[rule.rule_id].attempt}"
        values = values_of(view, steps, self.now, self.stored) | {"seed": seed}
        leaves: tuple[LeafVerdict, ...] = ()
        if self._lacks_its_date(rule):
            self._record(rule, "skipped", f"{_date_path(rule)} is empty", values, leaves)
            return
        try:
            with spending():
                if rule.condition is not None:
                    verdict = compiled(rule.condition)(values)
                    leaves = verdict.leaves
                    if not verdict.holds:
                        self.set(rule, condition_false=True)
                        self._record(rule, "skipped", verdict.why_not(), values, leaves)
                        return
                answer = self._kept(rule, self._act(rule, entry, view, values, run))
        except BudgetError as error:
            self.over_budget += 1
            answer = Failure(str(error))
        except (ConditionError, ValueFailureError) as error:
            states = {one.name: self.rules[one.rule_id].state for one in self.program.rules()}
            answer = Failure(explained(str(error), states))
        except ValidationError as error:
            answer = Failure(_where(error))
        except (ArithmeticError, RecursionError, ValueError) as error:
            answer = Failure(f"the rule cannot act on these values: {type(error).__name__}")
        self._apply(rule, answer, values, leaves, run)

    def _lacks_its_date(self, rule: RuleBlock) -> bool:
        progress = self.rules[rule.rule_id]
        skips = not isinstance(rule.run, Now) and rule.run.no_date == "skip"
        return progress.date_missing and skips and not progress.manually_scheduled

    def _act(
        self, rule: RuleBlock, entry: Entry, context: ItemContext, values: dict[str, Any], run: RunFacts
    ) -> Answer:
        kind = run.registry.get(rule.type)
        if kind is None:
            return Failure(f"this engine knows no rule type {rule.type!r}")
        resolved = resolve(rule.params, values, kind.html_in(rule.params))
        resolved, self.note = cut_texts(resolved, kind.cuts_in(resolved))
        params: Params = kind.params.model_validate(resolved)
        acting = ActionContext(
            context=context,
            now=self.now,
            stage=self.program.stage,
            actor=f"rule:{rule.name}",
            guard=None if self.stays(rule) else entry.entry_seq,
            entry_seq=entry.entry_seq,
            values=values,
            run_id=run.run_id,
            stored=self.stored,
        )
        return kind.act(params, acting)

    def _apply(
        self,
        rule: RuleBlock,
        answer: Answer,
        values: Mapping[str, Any],
        leaves: tuple[LeafVerdict, ...],
        run: RunFacts,
    ) -> None:
        match answer:
            case Refusal(reason=reason):
                self._record(rule, "refused", reason, values, leaves)
            case Failure(reason=reason):
                self._record(rule, "failed", reason, values, leaves)
            case Completed(outputs=outputs, assigned=assigned):
                self._assign(assigned)
                self._apply(rule, outputs, values, leaves, run)
            case Outputs():
                self.set(rule, outputs=answer.model_dump(mode="json"))
                self._record(rule, "done", None, values, leaves)
            case _:
                self._emit(rule, answer, values, leaves, run)

    def _kept(self, rule: RuleBlock, answer: Answer) -> Answer:
        """The answer, or a failure when it is one that could never be written."""
        match answer:
            case Completed(outputs=outputs) | (Outputs() as outputs):
                why_not = self.refuse_outputs(rule, outputs.model_dump(mode="json"))
            case Body():
                why_not = refuse_command(answer)
            case _:
                why_not = None
        return answer if why_not is None else Failure(why_not)

    def refuse_outputs(self, rule: RuleBlock, outputs: Mapping[str, JsonValue]) -> str | None:
        """Why outputs of a rule cannot be kept, if so."""
        others = (progress.outputs for id, progress in self.rules.items() if id != rule.rule_id)
        return refuse_outputs(outputs, others)

    def _assign(self, assigned: tuple[Assigned, ...]) -> None:
        """Rules after this one see the new values."""
        for one in assigned:
            self.stored = self.stored.with_value(one.code, one.value)
        self.assigned += assigned

    def _emit(
        self,
        rule: RuleBlock,
        body: Body,
        values: Mapping[str, Any],
        leaves: tuple[LeafVerdict, ...],
        run: RunFacts,
    ) -> None:
        command_id = uuid5(run.run_id, f"{self.step}/{self.rules[rule.rule_id].attempt}")
        self.step += 1
        self.emissions.append(Emission(rule, command_id, body))
        self.set(rule, command_id=command_id)
        self._record(rule, "running", None, values, leaves, command_id)

    def _record(
        self,
        rule: RuleBlock,
        state: RuleState,
        reason: str | None,
        values: Mapping[str, Any],
        leaves: tuple[LeafVerdict, ...],
        command_id: UUID | None = None,
    ) -> None:
        read = paths_of(rule.params) | (read_by(rule.condition) if rule.condition else frozenset())
        seen = quotable({path: look_up(values, path.split(".")) for path in sorted(read)})
        reason, self.note = reason or self.note, None
        self.set(rule, state=state, reason=reason)
        self.decisions.append(Decision(rule, state, self.rules[rule.rule_id].reason, seen, leaves, command_id))

    def _drop_finished_cursors(self) -> None:
        self.cursors = [c for c in self.cursors if not self._at_end(c)]

    def _at_end(self, cursor: Cursor) -> bool:
        """Whether nothing is left to do from this cursor on."""
        rule = rule_at(self.program, cursor.place)
        rest = [rule, *_after(self.program, rule)]
        return all(self.rules[one.rule_id].state in ENDED for one in rest)

    # taking back

    def leave(self, reason: str) -> Step:
        self._take_back_all(reason)
        for rule in self.program.rules():
            if rule.on_leave == "run_now" and self.rules[rule.rule_id].state not in (*ENDED, "running"):
                self.set(rule, due_at=self.now, manually_scheduled=True)
        self._drop_finished_cursors()
        return self.result()

    def _take_back_all(self, reason: str) -> None:
        for rule in self.program.rules():
            if reason != LEFT or not self.stays(rule):
                self.cancel(rule, reason)

    def cancel(self, rule: RuleBlock, reason: str) -> None:
        """Cancels a rule; one with a command under way when its owner says that nothing was done.

        A new attempt that was ordered for then is called off.
        """
        progress = self.rules[rule.rule_id]
        asked = progress.cancelling is not None and not progress.retry_after
        if progress.state == "running" and progress.command_id is not None and not asked:
            self.set(rule, cancelling=reason, retry_after=False, reason=f"{reason}; its command is being taken back")
            self.cancellations.append(progress.command_id)
        elif progress.state not in (*ENDED, "running"):
            self.end(rule, "cancelled", reason)

    def finish_turn(self) -> Step:
        """After a result or an order: the cursors stand still, `advance` will go on; finished ones go."""
        for cursor in self.cursors:
            self._passed(rule_at(self.program, cursor.place))
        self._drop_finished_cursors()
        return self.result()


def _where(error: ValidationError) -> str:
    """Which parameters do not have the type they need, without their values."""
    return "; ".join(f"params.{where}: {what}" for where, what in issues_of(error)[:5])


def stopped_by(rule: RuleBlock, state: RuleState) -> str:
    return f"not run: {rule.name} was {state}" if state == "refused" else f"not run: {rule.name} {state}"


def _after(program: Program, rule: RuleBlock) -> list[RuleBlock]:
    rules = program.rules()
    return list(rules[rules.index(rule) + 1 :])


def _as_owed(context: ItemContext, entry: Entry, program: Program) -> ItemContext:
    """What a rule due on entry sees: the item as it was on entry, everything else fresh."""
    stage = context.stage
    if stage is not None and stage.code != program.stage:
        stage = stage.model_copy(update={"code": program.stage, "name": program.stage_name})
    return context.model_copy(update={"item": entry.snapshot, "stage": stage})


def waiting_for(rule: RuleBlock, progress: RuleProgress) -> str | None:
    """For what it waits, if not for a moment."""
    return f"waits for {_date_path(rule)}" if progress.date_missing else None


def _absence(rule: RuleBlock, times: Times) -> str | None:
    away = rule.run.working == "responsible" and times.at_work is False
    return "waits for the responsible person to start work" if away else None


def _date_path(rule: RuleBlock) -> str:
    return "" if isinstance(rule.run, Now) else rule.run.from_


def _follows(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether its due time moves with a date of the item; also one that is to be kept must be there first."""
    if isinstance(rule.run, Now) or rule.run.from_ == ENTRY:
        return False
    return rule.run.date_changes == "follow" or progress.date_missing


def plan_again(run: Running, rule: RuleBlock, due_at: datetime | None = None) -> None:
    """Puts the rule back to its turn, now or later, and revives the rules that its failure had stopped.

    Without `due_at` somebody has asked for it: it acts now, and its policy counts anew.
    """
    progress = run.rules[rule.rule_id]
    stopped = {stopped_by(rule, "failed"), stopped_by(rule, "refused")}
    for later in _after(run.program, rule):
        if run.rules[later.rule_id].reason in stopped:
            run.set(later, state="planned", reason=None)
    run.set(
        rule,
        state="planned",
        reason=None,
        attempt=progress.attempt + 1,
        command_id=None,
        cancelling=None,
        retry_after=False,
        due_at=due_at or run.now,
        manually_scheduled=due_at is None,
        retries=progress.retries if due_at else 0,
        condition_false=False,
    )
    cursor = Cursor(place=_place_of(run.program, rule))
    if cursor not in run.cursors:
        run.cursors.append(cursor)


def _place_of(program: Program, rule: RuleBlock) -> tuple[int, ...]:
    place: tuple[int, ...] | None = first_place(program.root)
    while place is not None and rule_at(program, place) != rule:
        place = next_place(program, place)
    assert place is not None  # noqa: S101 - the rule is one of this program's
    return place
