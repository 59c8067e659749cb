"""Runs that wait are moved to another version of what they follow.

What is open keeps its step, so a command under way keeps its id, and what it waits for stays as it is unless the new
version says another time. What has ended stays in the journal and does not come again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.blocks import Moving
from rule_engine.domain.execution.program import Path, Program, RuleBlock
from rule_engine.domain.execution.relocation import ELSEWHERE, Relocation, begun, to_come
from rule_engine.domain.execution.rescheduling import waiting_reason
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import ROOT, Entry, Execution, Frame, State
from rule_engine.domain.execution.step import Step
from rule_engine.domain.schedule.due import Due, Times, due


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run is to go on, and what counts there."""

    program: Program
    version: int
    entry: Entry
    item: ItemSnapshot
    """As it is now."""
    times: Times
    now: datetime
    begun: frozenset[str] = frozenset()
    """The ids of rules and blocks that the journal has, except those that were cancelled before they acted; of a chain
    all that the entry has planned.
    """
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    """Of a workflow, those that only the new version has; likewise `variables`."""
    variables: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """A run in its new version. `before` cancels, in the old one, what is not there any more; `kept` are the places of
    what is open and else as it was, by step.
    """

    before: Step | None
    step: Step
    kept: Mapping[int, Path]


def successor(old: Program, state: State, candidates: Sequence[Program]) -> Program:
    """The chain of the new version that has the rule at which the run is. Raises `NotMovableError`."""
    here = [one for one in state.executions.values() if one.turn]
    if not here:
        raise NotMovableError("nothing of it is left to begin")
    for program in candidates:
        if here[0].rule_id in {rule.rule_id for rule in program.rules()}:
            return program
    raise NotMovableError(f"{old.rules_by_path[here[0].path].name} is not in this stage any more")


def migrate(old: Program, state: State, target: Target) -> Moved:
    """The run as it goes on in the target's version. Raises `NotMovableError` when it has no place there."""
    if state.suspended:
        raise NotMovableError("it is suspended: resume it first")
    if state.outcome is not None:
        raise NotMovableError("it has ended, but for the result of a command")
    places = Relocation(old, target.program, state)
    before = None
    if gone := [one.step for one in state.executions.values() if _is_only_planned(one) and places.rule(one) is None]:
        before = _without(old, state, gone, target)
        state = before.state
    return _Migration(old, state, target, places).migrated(before)


def _is_only_planned(one: Execution) -> bool:
    """Whether it is a rule of a chain whose turn has not come."""
    return not one.turn and not one.ended and one.state != "running"


def _without(old: Program, state: State, gone: Sequence[int], target: Target) -> Step:
    run = Running(old, state, target.now)
    for step in gone:
        run.cancel(step, f"not in version {target.version} any more")
    return run.result()


@dataclass(slots=True)
class _Migration:
    old: Program
    state: State
    target: Target
    places: Relocation
    run: Running = field(init=False)

    def migrated(self, before: Step | None) -> Moved:
        frames = {step: self._frame(frame) for step, frame in self.state.frames.items()}
        executions = {
            step: one.to(path=path)
            for step, one in self.state.executions.items()
            if (path := self._rule(one)) is not None
        }
        state = self.state.to(frames=frames, executions=executions)
        self._refuse_repetition(state)
        self.run = Running(self.target.program, state, self.target.now)
        if self.target.program.workflow is None:
            self._move_chain()
        else:
            self._add_names()
            self._adapt_blocks()
        step = self.run.result()
        return Moved(before, step, _kept(step))

    def _frame(self, frame: Frame) -> Frame:
        inbox = tuple(self.places.note(frame, note) for note in frame.inbox)
        return frame.to(path=self.places.frames[frame.step], inbox=inbox)

    def _rule(self, one: Execution) -> Path | None:
        """Where an execution goes on; null: it is left to the journal."""
        path, before = self.places.rule(one), self.old.rules_by_path[one.path]
        if path is None and (one.turn or one.state == "running"):
            there = one.rule_id in self.places.known
            raise NotMovableError(f"{before.name} {ELSEWHERE if there else 'is not there any more'}")
        if path is not None and one.state == "running" and before.type != self.target.program.rules_by_path[path].type:
            raise NotMovableError(f"{before.name} is of another type there, and its command is under way")
        return path

    def _refuse_repetition(self, state: State) -> None:
        """What has begun, and was not to come any more, does not come again."""
        known = {one.rule_id for one in state.executions.values() if one.parent in state.frames}
        comes = to_come(self.target.program, state) - to_come(self.old, self.state)
        if again := (comes & self.target.begun) - known:
            name = self.target.program.at(min(self.places.known[id] for id in again)).name
            raise NotMovableError(f"{name} has had its turn already, and would come again there")

    # chains: rules are planned before their turn

    def _move_chain(self) -> None:
        here = min(one.path for one in self.run.executions.values() if one.turn)
        for step, one in list(self.run.executions.items()):
            if _is_only_planned(one) and one.path < here:
                self.run.set(step, state="cancelled", reason=self._passed(here))
            elif not one.ended:
                self._retime(step)
        self._plan_new(here)

    def _passed(self, here: Path) -> str:
        name = self.target.program.rules_by_path[here].name
        return f"stands before {name} in version {self.target.version}: the run had passed that"

    def _retime(self, step: int) -> None:
        """The new version's time, counted from the entry; one that an operator or a retry has decided stays."""
        one, rule = self.run.executions[step], self.run.rule(step)
        before = self.old.rules_by_path[self.state.executions[step].path]
        decided = one.manually_scheduled or one.attempt or one.rule_id == self.state.due_on_entry
        if rule.run != before.run and not decided and one.state != "running":
            found = self._due(rule)
            one = self.run.set(step, due_at=found.at and max(found.at, self.target.now), date_missing=found.missing)
            if one.state == "waiting":
                self.run.set(step, reason=waiting_reason(rule, one))
        decides_at_once = (rule.otherwise and not before.otherwise) or (before.enabled and not rule.enabled)
        if one.state == "waiting" and decides_at_once:
            self.run.set(step, state="planned", reason=None)

    def _due(self, rule: RuleBlock) -> Due:
        target = self.target
        return due(rule.run, target.entry.entered_at, target.item, target.times, target.now)

    def _plan_new(self, here: Path) -> None:
        """Rules that only the new version has, with a row of their own each."""
        known = {one.rule_id for one in self.run.executions.values()}
        for path, rule in self.target.program.rules_by_path.items():
            passed = path < here
            if rule.rule_id in known or (passed and rule.rule_id in self.target.begun):
                continue
            step, found = self.run.next_step(), self._due(rule)
            one = Execution(
                step=step,
                rule_id=rule.rule_id,
                path=path,
                parent=ROOT,
                state="skipped" if passed else "planned",
                reason=self._passed(here) if passed else None,
                due_at=None if passed else found.at,
                date_missing=found.missing and not passed,
                changed_at=self.target.now,
            )
            self.run.executions[step] = self.run.changed[step] = one

    # workflows

    def _add_names(self) -> None:
        """Parameters and variables that only the new version has."""
        root = self.run.root()
        given: Any = root.names.get("param", {})
        self.run.frames[ROOT] = root.to(names=root.names | {"param": {**self.target.parameters, **given}})
        self.run.variables = {**self.target.variables, **self.run.variables}

    def _adapt_blocks(self) -> None:
        for step, frame in list(self.run.frames.items()):
            moved = self._adapted(frame)
            self.run.frames[step] = moved
            if (moved.until, moved.awaits) != (frame.until, frame.awaits):
                self.run.write_down(moved, "waiting", f"waits as version {self.target.version} says")

    def _adapted(self, frame: Frame) -> Frame:
        target, old_path = self.target, self.state.frames[frame.step].path
        block = target.program.container(frame.path)
        moving = Moving(target.now, target.item, target.times, block.blocks, begun(self.run.state, frame))
        before, after = self.old.options_at(old_path), target.program.options_at(frame.path)
        try:
            return target.program.type_at(frame.path).migrated(before, after, frame, moving)
        except NotMovableError as error:
            raise NotMovableError(f"{block.name}: {error}") from error


def _kept(step: Step) -> dict[int, Path]:
    """What is open and not recorded by the step itself."""
    recorded = {one.step for one in step.changed} | {one.step for one in step.blocks}
    frames = {one.step: one.path for one in step.state.frames.values() if one.step != ROOT}
    rules = {one.step: one.path for one in step.state.executions.values() if one.turn or not one.ended}
    return {one: path for one, path in (frames | rules).items() if one not in recorded}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is: a rule whose turn it is, or a block that waits; and what comes after it in its branch."""

    step: int
    name: str
    type: str
    state: RuleState
    until: datetime | None
    """When it goes on by itself; null: at once, or when what it waits for has come."""
    awaits: tuple[str, ...]
    next: str | None


def places_of(program: Program, state: State) -> list[Place]:
    """The places of a run, in the order in which it came to them."""
    rules = [_place_of_rule(program, one) for one in state.executions.values() if one.turn]
    blocks = [
        _place_of_block(program, frame)
        for frame in state.frames.values()
        if frame.until is not None or frame.awaits or frame.held
    ]
    return sorted([*rules, *blocks], key=lambda one: one.step)


def _place_of_rule(program: Program, one: Execution) -> Place:
    rule = program.rules_by_path[one.path]
    until = one.due_at if one.state in ("planned", "waiting") else None
    return Place(one.step, rule.name, rule.type, one.state, until, (), _after(program, one.path))


def _place_of_block(program: Program, frame: Frame) -> Place:
    block = program.container(frame.path)
    state: RuleState = "failed" if frame.held else "waiting"
    return Place(frame.step, block.name, block.block, state, frame.until, frame.awaits, _after(program, frame.path))


def _after(program: Program, path: Path) -> str | None:
    """What follows in the same branch."""
    rest = program.container(path[:-1]).blocks[path[-1] + 1 :]
    return rest[0].name if rest else None
