"""What a type of block is: it starts, its children end, what it waits for comes, and each time it says what is next.

A type is a class without state of its own; everything a block remembers is in its frame. It does no I/O.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.conditions import Condition
from contracts.contexts import Part
from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.actions import marked
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.assignments import Ask
from rule_engine.domain.execution.program import AnyBlock, RuleBlock
from rule_engine.domain.execution.state import ENDED, Frame
from rule_engine.domain.language.conditions import paths_of
from rule_engine.domain.schedule.due import Times, due
from rule_engine.domain.schedule.run_time import RunTime


class NoOptions(BaseModel):
    """Of a block that has none. Options of others are models like this one: frozen, nothing unknown in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Child:
    """A child to be started: its index, the turn of a loop, and what can be named inside it."""

    index: int
    iteration: int = 0
    names: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """Start these children, and tell the block when each has ended; meanwhile it may wait, too.

    `data`, here and below, replaces the frame's if it is given.
    """

    children: tuple[Child, ...]
    until: datetime | None = None
    awaits: tuple[str, ...] = ()
    data: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Tell the block at a moment, or when something that it names has come; with neither it waits for its children."""

    until: datetime | None = None
    awaits: tuple[str, ...] = ()
    reason: str | None = None
    """What it waits for, for people."""
    data: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The block has ended; what of it is still open is cancelled."""

    outcome: RuleState = "done"
    reason: str | None = None
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    """Under the block's name in `steps`."""


@dataclass(frozen=True, slots=True)
class EndRun:
    """The whole run ends; what is open is cancelled."""

    outcome: RuleState = "done"
    reason: str | None = None
    delete_data: bool = False
    """Whether its variables and outputs are deleted, but for the journal's."""


type Next = Run | Wait | Done | EndRun
type Branches = Literal["none", "body", "many"] | tuple[str, ...]
"""What is inside a block: nothing, one body, any number of branches, or branches with these names."""
type Class[M] = type[M]
"""`type[M]`, in a class that calls its wire name `type`."""


@dataclass(frozen=True)
class Choice:
    """Something that a block may choose, and when: null always."""

    name: str
    condition: Condition | None

    @cached_property
    def reads(self) -> Mapping[str, list[str]]:
        """The paths that its condition reads, dotted and as keys, sorted."""
        return {} if self.condition is None else {path: path.split(".") for path in sorted(paths_of(self.condition))}


@dataclass(frozen=True, slots=True)
class ChildState:
    """A child of a frame as it is now, or as it ended."""

    index: int
    block: AnyBlock
    state: RuleState | None
    """Null: it was neither planned nor started, or is not remembered any more."""
    iteration: int = 0
    reason: str | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def stops(self) -> bool:
        """Whether its failure stops what comes after it."""
        goes_on = isinstance(self.block, RuleBlock) and self.block.on_failure == "continue"
        return self.state in ("failed", "refused") and not goes_on


class Environment(Protocol):
    """What a block can ask for and do while it decides."""

    @property
    def now(self) -> datetime: ...
    @property
    def blocks(self) -> Sequence[AnyBlock]:
        """The block's children as written."""
        ...

    @property
    def status(self) -> str | None:
        """Of the workflow."""
        ...

    def child(self, index: int) -> ChildState: ...
    def choose(self, also: Mapping[str, JsonValue] = ...) -> int | None:
        """The first of its choices whose condition holds on the item as it is now; null: none. Conditions can name
        `also`, too.

        What they saw goes into the journal. Raises what conditions do.
        """
        ...

    def value(self, written: JsonValue) -> Any:
        """A text, `{path}`, `{expr}` or `{const}` with its value. Raises `ValueFailureError` and `BudgetError`."""
        ...

    def due(self, run: RunTime) -> datetime | None:
        """When something that is to run so, counted from now, is due; null: a date that it counts from is empty."""
        ...

    def set_variable(self, name: str, value: JsonValue) -> None:
        """A variable of the workflow."""
        ...

    def set_status(self, status: str) -> None:
        """The status of the workflow."""
        ...

    def put_out(self, outputs: Mapping[str, JsonValue]) -> None:
        """Outputs of the block for the journal and for later blocks, while it goes on."""
        ...

    def takes_work_of(self, employee: UUID) -> UUID | None:
        """Who gets an employee's work: somebody else for one who is archived; null: nobody is left."""
        ...

    def ask(self, employee: UUID, ask: Ask) -> None:
        """Gives an employee an assignment; the block is told the answer as `answers_to(frame.step)`."""
        ...

    def remind(self) -> None:
        """Tells those again whose assignments of the block are open."""
        ...

    def withdraw(self) -> None:
        """Takes back the block's assignments that are open; its end does so, too."""
        ...

    def stop_others(self, reason: str | None, *, delete_data: bool) -> None:
        """Ends the other runs of the workflow on the item."""
        ...

    def cancel(self, index: int, reason: str) -> None:
        """Cancels a child that was planned or is open."""
        ...


@dataclass(frozen=True, slots=True)
class Moving:
    """What an open block can ask for whose run is moved to another version."""

    now: datetime
    item: ItemSnapshot
    times: Times
    blocks: Sequence[AnyBlock]
    """Its children there."""
    begun: Set[int]
    """Those that are open, or whose end it has not been told yet."""

    def retimed(self, frame: Frame, before: RunTime | None, after: RunTime | None, since: datetime) -> Frame:
        """The frame with the moment that a changed time leads to, counted from `since`, and not before now.

        One that an operator has decided stays. Raises `NotMovableError`.
        """
        if before == after or frame.manually_scheduled:
            return frame
        found = due(after, since, self.item, self.times, self.now) if after else None
        if found is not None and found.missing:
            raise NotMovableError("the date that its time counts from is empty")
        return frame.to(until=found and max(found.at or self.now, self.now))


class BlockType[O: BaseModel](ABC):
    """A type of block."""

    type: ClassVar[str]
    title: ClassVar[str]
    reads: ClassVar[bool] = True
    """Whether it looks at the item: then it is only told of anything while the item's context is there."""
    written: ClassVar[bool] = True
    """Whether authors write it; those that they do not write, compiling makes."""
    journaled: ClassVar[bool] = True
    """Whether the journal of a run shows it."""
    branches: ClassVar[Branches] = "none"
    otherwise: ClassVar[str] = "none"
    """What it has chosen when none of its choices holds, in the journal."""
    needs: ClassVar[tuple[Part, ...]] = ()
    """What of an item's context it looks at itself."""
    locks_with: ClassVar[str | None] = None
    """The rule type that compiling puts in front of its branches; what it locks is unlocked when the block ends."""
    options: Class[O]

    def employees_in(self) -> tuple[str, ...]:
        """The options that name employees."""
        return marked(self.options, "refers", "employee")

    def outputs_on_jump(self, options: O, index: int) -> Mapping[str, JsonValue] | None:
        """What it puts out when an operator lets the run go on inside its child at `index`; null: a child only makes
        sense as the block itself starts it, with what the block remembers of it.
        """
        return None

    def choices(self, options: O) -> tuple[Choice, ...]:
        """What it decides by conditions, again and again by the same; none: it decides nothing so."""
        return ()

    @abstractmethod
    def start(self, options: O, frame: Frame, env: Environment) -> Next:
        """Its turn has come."""

    def child_ended(self, options: O, frame: Frame, child: ChildState, env: Environment) -> Next:
        """A child of it has ended; what fails inside of it fails it, unless it says otherwise."""
        return Done(child.state or "failed", child.reason) if child.stops else Done()

    def due(self, options: O, frame: Frame, env: Environment) -> Next:
        """The moment it waited for is here."""
        return Done()

    def received(self, options: O, frame: Frame, name: str, value: Mapping[str, JsonValue], env: Environment) -> Next:
        """Something it waited for has come."""
        return Done()

    def migrated(self, before: O, options: O, frame: Frame, moving: Moving) -> Frame:
        """The frame of a block whose run goes on in another version, with other options; it stays as it is, unless it
        waits for what they say. Raises `NotMovableError` when it cannot go on there.
        """
        return frame

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        """Which of so many children may begin yet, when these are open or have just ended."""
        return () if begun else range(count)
