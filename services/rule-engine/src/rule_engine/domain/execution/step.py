"""What one step of a run is: the values that go in and come out, and when to look at a run again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.conditions import LeafVerdict
from contracts.contexts import ItemContext
from contracts.envelope import MAX_CAUSES, Body, Cause
from contracts.messages.rule_events import RuleState
from rule_engine.domain.actions import RuleType
from rule_engine.domain.execution.assignments import AssignmentChange
from rule_engine.domain.execution.program import Path, Program, RuleBlock
from rule_engine.domain.execution.state import Entry, Execution, RuleProgress, State
from rule_engine.domain.language.values import context_values
from rule_engine.domain.language.variables import NOTHING_STORED, Assigned, Stored
from rule_engine.domain.schedule.run_time import Now

type Registry = Mapping[str, RuleType[Any]]

FURTHEST = timedelta(days=36_500)
"""The longest wait of one execution: what is due later is looked at then, and waits again."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run decides with: the id that command ids are made from, rule types, variables and constants."""

    run_id: UUID
    registry: Registry
    stored: Stored = NOTHING_STORED
    one_turn: bool = False
    """Decide one rule and stop, to find the one whose decision cannot be written."""
    values_of: Callable[[ItemContext], Mapping[str, Any]] = context_values
    """How a context becomes values; who makes many steps on one context keeps them."""


@dataclass(frozen=True, slots=True)
class Emission:
    """A command to send for an execution of a rule."""

    rule: RuleBlock
    step: int
    command_id: UUID
    body: Body


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a rule did or did not act: the values it read, and what it found."""

    rule: RuleBlock
    step: int
    state: RuleState
    reason: str | None
    seen: Mapping[str, Any]
    leaves: tuple[LeafVerdict, ...] = ()
    command_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BlockDecision:
    """What a block that is no rule has chosen by its conditions, and the values that they read."""

    step: int
    path: Path
    choice: str | None
    """Null: they could not be evaluated, for this `reason`."""
    reason: str | None
    seen: Mapping[str, Any]
    leaves: tuple[LeafVerdict, ...]


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block that is no rule, in the journal."""

    step: int
    path: Path
    parent: int | None
    iteration: int
    state: RuleState
    reason: str | None = None
    due_at: datetime | None = None
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopOthers:
    """The other runs of the workflow on the item are to end; asked for by the block with this step."""

    step: int
    reason: str
    delete_data: bool


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one call: the state, what to send, what to record, and when to look again.

    `wake_at` null with an unfinished state: only a result can go on with it.
    """

    state: State
    emissions: tuple[Emission, ...] = ()
    decisions: tuple[Decision, ...] = ()
    cancellations: tuple[UUID, ...] = ()
    """Commands to cancel."""
    assigned: tuple[Assigned, ...] = ()
    """Variables to set."""
    over_budget: int = 0
    """Decisions that took more work than they may."""
    blocks: tuple[BlockRecord, ...] = ()
    """Blocks that are no rules, whose record changed."""
    block_decisions: tuple[BlockDecision, ...] = ()
    changed: tuple[Execution, ...] = ()
    """The executions that changed, as they are now, also those that are not in the state any more."""
    assignments: tuple[AssignmentChange, ...] = ()
    """What employees are asked for, and not asked for any more."""
    unlocked: tuple[UUID, ...] = ()
    """The locks of the item, by their commands, that are not needed any more."""
    stops: tuple[StopOthers, ...] = ()
    wake_at: datetime | None = None


def wake_at(program: Program, state: State, now: datetime) -> datetime | None:
    """When to look at the run again; null when it is finished or only a result can go on with it."""
    next_ones = [one for one in state.executions.values() if one.acts_next]
    if state.suspended or (state.outcome is not None and not next_ones):
        return None
    return min([*_of_frames(state, now), *_of_rules(program, next_ones, now)], default=None)


def _of_frames(state: State, now: datetime) -> Iterator[datetime]:
    for frame in state.frames.values():
        if frame.held:
            continue
        if frame.inbox:
            yield now
        elif frame.until is not None:
            yield min(frame.until, now + FURTHEST)


def _of_rules(program: Program, next_ones: Iterable[Execution], now: datetime) -> Iterator[datetime]:
    for one in next_ones:
        if not waits_for_date(program.rules_by_path[one.path], one):
            yield _due(one, now)


def _due(progress: RuleProgress, now: datetime) -> datetime:
    """When it is looked at: one that does not wait yet at once, whatever its delay."""
    if progress.state == "planned" or progress.due_at is None:
        return now
    return min(progress.due_at, now + FURTHEST)


def waits_for_date(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether only a date can go on with the rule."""
    if isinstance(rule.run, Now) or rule.run.no_date != "wait" or not rule.enabled:
        return False
    return progress.date_missing and not progress.manually_scheduled


def needs_context(program: Program, state: State, now: datetime) -> bool:
    """Whether `advance` would decide something now, and so needs the fresh context."""
    due = wake_at(program, state, now)
    return due is not None and due <= now


def longer_than_an_hour(entry: Entry, now: datetime) -> bool:
    """Whether a rule waited so long that what it does starts a new cause."""
    return now - entry.entered_at > timedelta(hours=1)


def causes_of(rule: RuleBlock, entry: Entry, before: tuple[Cause, ...], now: datetime) -> tuple[Cause, ...]:
    """What led to a command of a rule of this entry, itself last; one more than allowed: the owner stops it by name."""
    earlier = () if longer_than_an_hour(entry, now) else before
    return (*earlier, Cause(rule.rule_id, str(entry.item_id)))[-MAX_CAUSES - 1 :]
