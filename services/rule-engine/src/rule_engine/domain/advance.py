"""How a run goes on: pure functions from a state and what has happened to the next state and what is to be done.

- `begin` makes the state of a new run;
- `advance` takes every step that can be taken now: decides rules that are due, emits commands;
- `settle` takes in the result of a command;
- `leave` takes back what leaving the stage (or the item's end) takes back;
- `run_now`, `postpone`, `cancel`, `retry` are the orders of operators.

A rule acts at most once per attempt: its command's id is made from the run, the step and the attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pydantic import ValidationError

from contracts.conditions import ConditionError, LeafVerdict, compile_condition, look_up, paths
from contracts.contexts import ItemContext
from contracts.envelope import Body
from contracts.messages.results import (
    CANCELLED,
    CommandDone,
    CommandFailed,
    CommandProgress,
    CommandRefused,
    Result,
)
from contracts.messages.rule_events import RuleState
from rule_engine.domain.due import due_at
from rule_engine.domain.errors import RunError, ValueFailureError
from rule_engine.domain.program import Program, RuleBlock
from rule_engine.domain.state import ENDED, Cursor, Entry, RuleProgress, State, first_place, next_place, rule_at
from rule_engine.domain.values import paths_of, resolve, values_of
from rule_engine.rules.base import Acting, Failure, Outputs, Params, Refusal, RuleType

LEFT = "left the stage"
DELETED = "the item was deleted"
OPERATOR = "cancelled by an operator"

type Registry = Mapping[str, RuleType[Any]]


@dataclass(frozen=True, slots=True)
class Emission:
    """A command to send for a rule."""

    rule: RuleBlock
    command_id: UUID
    body: Body


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a rule did or did not act: what it saw and found."""

    rule: RuleBlock
    state: RuleState
    reason: str | None
    seen: Mapping[str, Any]
    leaves: tuple[LeafVerdict, ...] = ()
    command_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one call: the state, what to send, what to record, and when to look again.

    `wake_at` null with an unfinished state: only a result can go on with it.
    """

    state: State
    emissions: tuple[Emission, ...] = ()
    decisions: tuple[Decision, ...] = ()
    cancellations: tuple[UUID, ...] = ()
    """Commands to take back."""
    changed: tuple[str, ...] = ()
    """Ids of the rules whose progress changed."""
    wake_at: datetime | None = None


def begin(program: Program, entered_at: datetime, zone: str) -> State:
    """The state of a run that was just planned; due times are in it for people to see."""
    rules = {r.rule_id: RuleProgress(due_at=due_at(r.run, entered_at, zone)) for r in program.rules()}
    head = next((rule for rule in program.rules() if rule.enabled), None)
    owed = head is not None and (rules[head.rule_id].due_at or entered_at) <= entered_at
    if head is not None and not owed:
        rules[head.rule_id] = rules[head.rule_id].to(state="waiting", changed_at=entered_at)
    cursor = Cursor(place=first_place(program.root))
    return State(owed=head.rule_id if head and owed else None, cursors=(cursor,), rules=rules)


def wake_at(program: Program, state: State, now: datetime) -> datetime | None:
    """When to look at the run again; null when it is finished or only a result can go on with it."""
    moments = [
        _due(state.rules[rule_at(program, cursor.place).rule_id], now)
        for cursor in state.cursors
        if state.rules[rule_at(program, cursor.place).rule_id].state != "running"
    ]
    return min(moments, default=None)


def _due(progress: RuleProgress, now: datetime) -> datetime:
    return now if progress.due_at is None or progress.state in ENDED else progress.due_at


def needs_context(program: Program, state: State, now: datetime) -> bool:
    """Whether `advance` would decide a rule now, and so needs the fresh context."""
    due = wake_at(program, state, now)
    return due is not None and due <= now


def advance(
    program: Program, state: State, entry: Entry, context: ItemContext | None, now: datetime, run: "RunFacts"
) -> Step:
    """Takes every step that can be taken at `now`. `context` null means that the item does not exist any more."""
    return _Run(program, state, now).advance(entry, context, run)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Who runs: the id that command ids are made from, and the rule types known."""

    run_id: UUID
    registry: Registry


@dataclass(slots=True)
class _Run:
    """A run while it is being worked on: collects what changes."""

    program: Program
    state: State
    now: datetime
    rules: dict[str, RuleProgress] = field(init=False)
    cursors: list[Cursor] = field(init=False)
    step: int = field(init=False)
    emissions: list[Emission] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    cancellations: list[UUID] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)

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
            changed=tuple(self.changed),
            wake_at=wake_at(self.program, state, self.now),
        )

    def set(self, rule: RuleBlock, **changes: object) -> None:
        progress = self.rules[rule.rule_id]
        updated = progress.to(**changes)
        if updated != progress:
            self.rules[rule.rule_id] = updated.to(changed_at=self.now)
            self.changed[rule.rule_id] = None

    def end(self, rule: RuleBlock, state: RuleState, reason: str | None = None) -> None:
        """Ends a rule without a decision of its own."""
        self.set(rule, state=state, reason=reason, taking_back=None, retry_after=False)

    # going on

    def advance(self, entry: Entry, context: ItemContext | None, run: RunFacts) -> Step:
        for index in range(len(self.cursors)):
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
            if not self._passed(rule):
                return
            place = next_place(self.program, place)

    def _passed(self, rule: RuleBlock) -> bool:
        """Whether the rules after this one may go on; what stops them is said to each of them."""
        state = self.rules[rule.rule_id].state
        if state in ("refused", "failed") and rule.on_failure == "stop":
            self._stop_after(rule, state)
            return True
        return state in ENDED

    def _stop_after(self, rule: RuleBlock, state: RuleState) -> None:
        for later in _after(self.program, rule):
            if self.rules[later.rule_id].state not in ENDED:
                self.end(later, "cancelled", stopped_by(rule, state))

    def _take_turn(self, rule: RuleBlock, entry: Entry, context: ItemContext | None, run: RunFacts) -> None:
        progress = self.rules[rule.rule_id]
        if progress.state == "running":
            return
        if not rule.enabled:
            self.end(rule, "skipped", "the rule is disabled")
        elif progress.due_at is not None and progress.due_at > self.now:
            self.set(rule, state="waiting", reason=None)
        elif context is None:
            self._take_back_all(DELETED)
        elif context.item.entry_seq != entry.entry_seq and not self.stays(rule):
            self._take_back_all(LEFT)
        else:
            self._decide(rule, entry, context, run)

    def stays(self, rule: RuleBlock) -> bool:
        """Whether leaving the stage does not take the rule back."""
        return rule.rule_id == self.state.owed or rule.on_leave in ("finish", "run_now")

    def _decide(self, rule: RuleBlock, entry: Entry, context: ItemContext, run: RunFacts) -> None:
        view = _as_owed(context, entry, self.program) if rule.rule_id == self.state.owed else context
        values = values_of(view, self.state.model_copy(update={"rules": self.rules}).outputs(self.program), self.now)
        leaves: tuple[LeafVerdict, ...] = ()
        try:
            if rule.condition is not None:
                verdict = compile_condition(rule.condition)(values)
                leaves = verdict.leaves
                if not verdict.holds:
                    self._record(rule, "skipped", verdict.why_not(), values, leaves)
                    return
            answer = self._act(rule, entry, view, values, run)
        except (ConditionError, ValueFailureError) as error:
            answer = Failure(str(error))
        except ValidationError as error:
            answer = Failure(_where(error))
        self._apply(rule, answer, values, leaves, run)

    def _act(
        self, rule: RuleBlock, entry: Entry, context: ItemContext, values: dict[str, Any], run: RunFacts
    ) -> Body | Outputs | Refusal | Failure:
        kind = run.registry.get(rule.type)
        if kind is None:
            return Failure(f"this engine knows no rule type {rule.type!r}")
        params: Params = kind.params.model_validate(resolve(rule.params, values))
        acting = Acting(
            context=context,
            now=self.now,
            stage=self.program.stage,
            actor=f"rule:{rule.name}",
            guard=None if self.stays(rule) else entry.entry_seq,
            entry_seq=entry.entry_seq,
            values=values,
            run_id=run.run_id,
        )
        return kind.act(params, acting)

    def _apply(
        self,
        rule: RuleBlock,
        answer: Body | Outputs | Refusal | Failure,
        values: Mapping[str, Any],
        leaves: tuple[LeafVerdict, ...],
        run: RunFacts,
    ) -> None:
        match answer:
            case Refusal(reason=reason):
                self._record(rule, "refused", reason, values, leaves)
            case Failure(reason=reason):
                self._record(rule, "failed", reason, values, leaves)
            case Outputs():
                self.set(rule, outputs=answer.model_dump(mode="json"))
                self._record(rule, "done", None, values, leaves)
            case _:
                self._emit(rule, answer, values, leaves, run)

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
        read = paths_of(rule.params) | (paths(rule.condition) if rule.condition else frozenset())
        seen = {path: look_up(values, path.split(".")) for path in sorted(read)}
        self.set(rule, state=state, reason=reason)
        self.decisions.append(Decision(rule, state, reason, seen, leaves, command_id))

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
                self.set(rule, due_at=self.now)
        self._drop_finished_cursors()
        return self.result()

    def _take_back_all(self, reason: str) -> None:
        for rule in self.program.rules():
            if reason != LEFT or not self.stays(rule):
                self.take_back(rule, reason)

    def take_back(self, rule: RuleBlock, reason: str) -> None:
        """Cancels a rule; one with a command under way when its owner says that nothing was done."""
        progress = self.rules[rule.rule_id]
        if progress.state == "running" and progress.command_id is not None and progress.taking_back is None:
            self.set(rule, taking_back=reason, reason=f"{reason}; its command is being taken back")
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
    return "; ".join(f"params.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])


def stopped_by(rule: RuleBlock, state: RuleState) -> str:
    return f"not run: {rule.name} was {state}" if state == "refused" else f"not run: {rule.name} {state}"


def _after(program: Program, rule: RuleBlock) -> list[RuleBlock]:
    rules = program.rules()
    return list(rules[rules.index(rule) + 1 :])


def _as_owed(context: ItemContext, entry: Entry, program: Program) -> ItemContext:
    """What an owed rule sees: the item as it was on entry, everything else fresh."""
    stage = context.stage
    if stage is not None and stage.code != program.stage:
        stage = stage.model_copy(update={"code": program.stage, "name": program.stage_name})
    return context.model_copy(update={"item": entry.snapshot, "stage": stage})


def settle(program: Program, state: State, command_id: UUID, result: Result, now: datetime, registry: Registry) -> Step:
    """Takes in a result. One that no rule waits for (any more) changes nothing."""
    run = _Run(program, state, now)
    rule = next((r for r in program.rules() if _waits_for(state.rules[r.rule_id], command_id)), None)
    if rule is not None:
        _settle(run, rule, result, registry)
    return run.finish_turn()


def _waits_for(progress: RuleProgress, command_id: UUID) -> bool:
    return progress.state == "running" and progress.command_id == command_id


def _settle(run: _Run, rule: RuleBlock, result: Result, registry: Registry) -> None:
    progress = run.rules[rule.rule_id]
    match result:
        case CommandProgress(state=said, until=until):
            run.set(rule, reason=said if until is None else f"{said} until {until.isoformat()}")
        case CommandDone(outputs=outputs):
            kind = registry.get(rule.type)
            run.set(rule, outputs=kind.outputs_of(outputs) if kind else dict(outputs))
            run.end(rule, "done")
        case CommandRefused() | CommandFailed() if progress.retry_after:
            _plan_again(run, rule)
        case CommandRefused(reason=reason) if reason == CANCELLED:
            run.end(rule, "cancelled", progress.taking_back or "its command was cancelled")
        case CommandRefused(reason=reason):
            run.end(rule, "refused", reason)
        case CommandFailed(reason=reason):
            run.end(rule, "failed", reason)


def leave(program: Program, state: State, reason: str, now: datetime) -> Step:
    """The item left the stage, or is gone: cancels every rule that this takes back.

    A command under way is taken back too; its rule is `cancelled` only when the owner says that nothing was done.
    """
    return _Run(program, state, now).leave(reason)


def run_now(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A waiting rule acts now. Raises `RunError` for a rule that does not wait."""
    run, rule = _open_rule(program, state, rule_id, now)
    run.set(rule, due_at=now)
    return run.finish_turn()


def postpone(program: Program, state: State, rule_id: str, until: datetime, now: datetime) -> Step:
    """A waiting rule acts at another moment. Raises `RunError` for a rule that does not wait."""
    run, rule = _open_rule(program, state, rule_id, now)
    run.set(rule, due_at=until)
    return run.finish_turn()


def cancel(program: Program, state: State, rule_id: str | None, now: datetime) -> Step:
    """Cancels one rule (those after it go on), or all that is left of the run."""
    run = _Run(program, state, now)
    targets = program.rules() if rule_id is None else (_known(program, rule_id),)
    if all(state.rules[rule.rule_id].state in ENDED for rule in targets):
        raise RunError("there is nothing left to cancel")
    for rule in targets:
        run.take_back(rule, OPERATOR)
    return run.finish_turn()


def retry(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A new attempt of a rule that failed or was refused, together with the rules that this stopped.

    A rule with a command under way has that cancelled first; the new attempt is made when the answer is there.
    """
    run, rule = _Run(program, state, now), _known(program, rule_id)
    progress = state.rules[rule_id]
    if progress.state == "running" and progress.command_id is not None:
        run.set(rule, retry_after=True, reason="its command is being taken back for a new attempt")
        run.cancellations.append(progress.command_id)
    elif progress.state in ("failed", "refused"):
        _plan_again(run, rule)
    else:
        raise RunError(f"{rule.name} is {progress.state}: only what failed, was refused or hangs can be retried")
    return run.result()


def _plan_again(run: _Run, rule: RuleBlock) -> None:
    """Puts the rule back to its turn, and revives the rules that its failure had stopped."""
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
        taking_back=None,
        retry_after=False,
        due_at=run.now,
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


def _open_rule(program: Program, state: State, rule_id: str, now: datetime) -> tuple[_Run, RuleBlock]:
    rule = _known(program, rule_id)
    standing = state.rules[rule_id].state
    if standing not in ("planned", "waiting"):
        raise RunError(f"{rule.name} is {standing}: only a rule that waits can be moved in time")
    return _Run(program, state, now), rule


def _known(program: Program, rule_id: str) -> RuleBlock:
    for rule in program.rules():
        if rule.rule_id == rule_id:
            return rule
    raise RunError("the run has no such rule")


def fail(program: Program, state: State, reason: str, now: datetime) -> Step:
    """A defect in the core ends the run: everything that is left fails with the reason, nothing is retried for ever."""
    run = _Run(program, state, now)
    for rule in program.rules():
        if run.rules[rule.rule_id].state not in (*ENDED, "running"):
            run.end(rule, "failed", reason)
    return run.finish_turn()


def longer_than_an_hour(entry: Entry, now: datetime) -> bool:
    """Whether a rule waited so long that what it does starts a new cause."""
    return now - entry.entered_at > timedelta(hours=1)
