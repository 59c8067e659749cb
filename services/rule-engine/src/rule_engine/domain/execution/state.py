"""The state of a run: where it stands in its program, and what became of each rule.

Like programs, states forbid unknown fields and carry a format version; they are kept for as long as runs are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.program import FORMAT, Block, Program, RuleBlock, SequenceBlock

ENDED: frozenset[RuleState] = frozenset(("done", "refused", "failed", "skipped", "cancelled"))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleProgress(_Strict):
    """What became of one rule so far."""

    state: RuleState = "planned"
    due_at: AwareDatetime | None = None
    """From when it may act; null: as soon as its turn comes."""
    date_missing: bool = False
    """The date it counts from is empty."""
    manually_scheduled: bool = False
    """An operator has decided when it acts: neither dates nor working time reschedule it any more."""
    condition_false: bool = False
    """Its condition was false: the *else* rule below may act."""
    reason: str | None = None
    attempt: int = 0
    command_id: UUID | None = None
    """The command it waits for, or that ended it."""
    cancelling: str | None = None
    """Why its unfinished command is being cancelled: `cancelled` with this reason if that succeeds."""
    retries: int = 0
    """Attempts that its policy has made since an operator last acted on it."""
    retry_after: bool = False
    """Make a new attempt when the command that is being cancelled has ended."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    changed_at: AwareDatetime | None = None

    def to(self, **changes: object) -> Self:
        return self.model_copy(update=changes)


class Cursor(_Strict):
    """A place in the program: the index of the block at each level."""

    place: tuple[int, ...]


class State(_Strict):
    """A run's state. No cursor: the run is finished."""

    format: Literal[1] = FORMAT
    step: int = 0
    """Counts commands; part of their ids."""
    due_on_entry: str | None = None
    """The rule that leaving the stage does not cancel: it was due on entry."""
    cursors: tuple[Cursor, ...]
    rules: dict[str, RuleProgress]

    @property
    def finished(self) -> bool:
        return not self.cursors

    def outputs(self, program: Program) -> dict[str, dict[str, JsonValue]]:
        """What rules gave so far, by rule name."""
        return {rule.name: self.rules[rule.rule_id].outputs for rule in program.rules()}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run must know of the entry it was planned for."""

    item_id: UUID
    entry_seq: int
    entered_at: datetime
    snapshot: ItemSnapshot


def first_place(block: Block, above: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The place of the first rule inside a block."""
    while isinstance(block, SequenceBlock):
        above, block = (*above, 0), block.blocks[0]
    return above


def rule_at(program: Program, place: Iterable[int]) -> RuleBlock:
    """The rule at a place."""
    block: Block = program.root
    for index in place:
        assert isinstance(block, SequenceBlock)  # noqa: S101 - places are made from this very program
        block = block.blocks[index]
    assert isinstance(block, RuleBlock)  # noqa: S101
    return block


def next_place(program: Program, place: tuple[int, ...]) -> tuple[int, ...] | None:
    """The place of the rule after this one; null at the end of the program."""
    *above, index = place
    parent: Block = program.root
    for step in above:
        assert isinstance(parent, SequenceBlock)  # noqa: S101 - only sequences have places below them
        parent = parent.blocks[step]
    assert isinstance(parent, SequenceBlock)  # noqa: S101
    if index + 1 < len(parent.blocks):
        return first_place(parent.blocks[index + 1], (*above, index + 1))
    return next_place(program, tuple(above)) if above else None
