"""The interpreter of programs: it tells blocks what has happened, and does what they say is next.

It knows no block but the rule. Notes are taken from the frames' inboxes one by one, so that neither the depth of a
program nor the number of a loop's turns is a depth of calls; what a step has no room for stays in the inboxes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.budget import BudgetError, spending
from contracts.conditions import ConditionError
from contracts.texts import readable_reason
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.assignments import Ask, Reminded
from rule_engine.domain.execution.blocks import ChildState, Done, EndRun, Next, Run, Wait
from rule_engine.domain.execution.choosing import Choosing
from rule_engine.domain.execution.item_values import ItemValues
from rule_engine.domain.execution.program import AnyBlock, RuleBlock
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import ROOT, Execution, Frame, Note
from rule_engine.domain.execution.step import StopOthers
from rule_engine.domain.language.limits import refuse_outputs
from rule_engine.domain.schedule.run_time import RunTime

NOTHING: Mapping[str, JsonValue] = {}
AT_ONCE = 2_000
"""Notes that one step takes."""


@dataclass(slots=True)
class Interpreter:
    """Takes the notes of one run; `values` null: the item's context is not there."""

    run: Running
    values: ItemValues | None = None
    room: int = AT_ONCE

    def take_notes(self) -> None:
        """Every note that can be taken now, in the order in which they came."""
        told, put_back = self.run.told, []
        while told and self.room:
            frame = self.run.frames.get(told.popleft())
            if frame is None or not frame.inbox or frame.held:
                continue
            if self._must_wait(frame):
                put_back.append(frame.step)
                continue
            self.room -= 1
            note, rest = frame.inbox[0], frame.to(inbox=frame.inbox[1:])
            if self._is_stale(frame, note):
                self.run.frames[frame.step] = rest
            else:
                self._take(rest.to(until=None, manually_scheduled=False) if note.what == "due" else rest, note)
        told.extend(put_back)

    def _must_wait(self, frame: Frame) -> bool:
        return self.values is None and self.run.program.type_at(frame.path).reads

    def _is_stale(self, frame: Frame, note: Note) -> bool:
        """Whether the block does not wait any more for what the note tells: what came before it has moved it on."""
        match note.what:
            case "received":
                return note.name not in frame.awaits
            case "due":
                return frame.until is None or frame.until > self.run.now
            case _:
                return False

    def _take(self, frame: Frame, note: Note) -> None:
        """What can go wrong in a block for its author's reasons holds the block; an operator goes on with it."""
        kept, assignments = self.run.frames[frame.step], len(self.run.assignments)
        self.run.frames[frame.step] = frame
        env = _Environment(self.run, frame, self.values)
        try:
            with spending():
                self._do(frame.step, self._answer(frame, note, env))
            env.choosing.write_down(self.run, frame)
        except BudgetError as error:
            self.run.over_budget += 1
            del self.run.assignments[assignments:]
            self._hold(kept, env, str(error))
        except (ConditionError, ValueFailureError, ArithmeticError, RecursionError, ValueError) as error:
            del self.run.assignments[assignments:]
            said = isinstance(error, ConditionError | ValueFailureError)
            self._hold(kept, env, str(error) if said else f"it cannot go on with these values: {type(error).__name__}")

    def _hold(self, frame: Frame, env: "_Environment", reason: str) -> None:
        env.choosing.write_down(self.run, frame, reason)
        self.run.frames[frame.step] = frame.to(held=readable_reason(reason))
        self.run.write_down(frame, "failed", reason)

    def _answer(self, frame: Frame, note: Note, env: "_Environment") -> Next:
        type, options = self.run.program.type_at(frame.path), self.run.program.options_at(frame.path)
        match note.what:
            case "start":
                return type.start(options, frame, env)
            case "ended":
                assert note.child is not None  # noqa: S101 - such notes name their child
                block = env.blocks[note.child]
                ended = ChildState(note.child, block, note.outcome, note.iteration, note.reason)
                return type.child_ended(options, frame, ended, env)
            case "due":
                return type.due(options, frame, env)
            case "received":
                return type.received(options, frame, note.name or "", note.value, env)

    def _do(self, step: int, next: Next) -> None:
        run, frame = self.run, self.run.frames[step]
        match next:
            case EndRun(outcome=outcome, reason=reason, delete_data=delete_data):
                run.close(ROOT, outcome, reason)
                run.write_down(frame, "done", reason)
                if delete_data:
                    run.delete_data()
            case Done(outcome=outcome, reason=reason, outputs=outputs):
                if outputs:
                    frame = run.put_out(frame, kept_outputs(run, outputs))
                run.close(step, outcome, reason)
            case Wait(until=until, awaits=awaits, reason=reason, data=data):
                frame = run.frames[step] = _awaiting(frame, until, awaits, data)
                run.write_down(frame, "waiting" if until or awaits else "running", reason)
            case Run(children=children, until=until, awaits=awaits, data=data):
                frame = run.frames[step] = _awaiting(frame, until, awaits, data)
                run.write_down(frame, "running")
                for child in children:
                    run.open(frame, child.index, child.iteration, dict(child.names))


def kept_outputs(run: Running, outputs: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Outputs of a block. Raises `ValueFailureError` for those that cannot be kept."""
    others = [given for frame in run.frames.values() for given in frame.outputs.values()]
    if refusal := refuse_outputs(outputs, others):
        raise ValueFailureError(refusal)
    return dict(outputs)


def _awaiting(
    frame: Frame, until: datetime | None, awaits: tuple[str, ...], data: dict[str, JsonValue] | None
) -> Frame:
    """A moment that an operator has decided stays theirs for as long as it is waited for."""
    if frame.until is None and until is None and data is None and not awaits and not frame.awaits:
        return frame  # most blocks wait for nothing but their children
    decided = frame.manually_scheduled and until == frame.until
    kept = frame.data if data is None else data
    return frame.to(until=until, awaits=awaits, manually_scheduled=decided, data=kept)


@dataclass(frozen=True, slots=True)
class _Environment:
    """What one block can ask for and do."""

    run: Running
    frame: Frame
    values: ItemValues | None
    choosing: Choosing = field(default_factory=Choosing)

    @property
    def now(self) -> datetime:
        return self.run.now

    @property
    def blocks(self) -> Sequence[AnyBlock]:
        return self.run.program.container(self.frame.path).blocks

    @property
    def status(self) -> str | None:
        return self.run.status

    def child(self, index: int) -> ChildState:
        block = self.blocks[index]
        if isinstance(block, RuleBlock):
            found = self._executions(index)
            return ChildState(index, block, found[-1].state if found else None)
        is_open = any(inner.path[-1] == index for inner in self.run.inside(self.frame.step))
        return ChildState(index, block, "running" if is_open else None)

    def _executions(self, index: int) -> list[Execution]:
        path = (*self.frame.path, index)
        inside = self.run.executions.values()
        return [one for one in inside if one.parent == self.frame.step and one.path == path]

    def choose(self, also: Mapping[str, JsonValue] = NOTHING) -> int | None:
        program, path = self.run.program, self.frame.path
        values = {**self._known.inside(self.run, self.frame.step), **also}
        return self.choosing.choose(program.choices_at(path), program.type_at(path).otherwise, values)

    def value(self, written: JsonValue) -> Any:
        return self._known.value(self.run, self.frame.step, written)

    def due(self, run: RunTime) -> datetime | None:
        return self._known.due(run, self.run.now)

    def set_variable(self, name: str, value: JsonValue) -> None:
        others = {other: kept for other, kept in self.run.variables.items() if other != name}
        if refusal := refuse_outputs({name: value}, [others]):
            raise ValueFailureError(refusal)
        self.run.variables[name] = value

    def set_status(self, status: str) -> None:
        self.run.status = status

    def put_out(self, outputs: Mapping[str, JsonValue]) -> None:
        self.run.put_out(self.run.frames[self.frame.step], kept_outputs(self.run, outputs))

    def takes_work_of(self, employee: UUID) -> UUID | None:
        return self._known.context.reassignments.get(employee, employee)

    def ask(self, employee: UUID, ask: Ask) -> None:
        self.run.ask(self.frame.step, employee, ask, self._known.context.substitutes.get(employee))

    def remind(self) -> None:
        self.run.assignments.append(Reminded(self.frame.step, self._known.context.substitutes))

    def stop_others(self, reason: str | None, *, delete_data: bool) -> None:
        said = reason or f"ended by {self.run.program.container(self.frame.path).name} of another run"
        self.run.stops.append(StopOthers(self.frame.step, said, delete_data))

    def withdraw(self) -> None:
        self.run.withdraw(self.run.frames[self.frame.step])

    def cancel(self, index: int, reason: str) -> None:
        for inner in [inner for inner in self.run.inside(self.frame.step) if inner.path[-1] == index]:
            self.run.close(inner.step, "cancelled", reason)
        for one in self._executions(index):
            self.run.cancel(one.step, reason)

    @property
    def _known(self) -> ItemValues:
        assert self.values is not None  # noqa: S101 - a block that reads is only told while the context is there
        return self.values
