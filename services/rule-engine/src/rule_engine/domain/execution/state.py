"""The state of a run: what of its program is open, and what became of each rule there.

Like programs, states forbid unknown fields and carry a format version; they are kept for as long as runs are. A state
holds open frames, and the executions of rules directly inside them. What has ended otherwise is in the journal alone,
so that a loop of ten thousand turns leaves a state as small as that of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.program import Path, Program

STATE_FORMAT: Literal[2] = 2
"""The newest format of a state that this code reads; it writes this one."""

ENDED: frozenset[RuleState] = frozenset(("done", "refused", "failed", "skipped", "cancelled"))
ROOT = 0
"""The step of the root's frame, which stays for as long as the run."""
NOWHERE = -1
"""The parent of executions that a jump has left behind, whose commands are still being cancelled."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to(self, **changes: object) -> Self:
        """A copy with changes. A decision makes ten of them: `model_copy` takes six times as long."""
        return _made(type(self), {**self.__dict__, **changes}, self.__pydantic_fields_set__ | changes.keys())

    @classmethod
    def of(cls, **values: object) -> Self:
        """One with values that the engine itself has made, and so need no validation."""
        plain, made_anew = _defaults(cls)
        others = {name: make() for name, make in made_anew if name not in values}
        return _made(cls, {**plain, **others, **values}, set(values))


def _made[M: BaseModel](model: type[M], values: dict[str, object], given: set[str]) -> M:
    made = object.__new__(model)
    _SET_VALUES(made, values)
    _SET_GIVEN(made, given)
    _SET_EXTRA(made, None)
    _SET_PRIVATE(made, None)
    return made


# the four slots of every model, as `BaseModel.model_construct` fills them
_SET_VALUES = vars(BaseModel)["__dict__"].__set__
_SET_GIVEN = vars(BaseModel)["__pydantic_fields_set__"].__set__
_SET_EXTRA = vars(BaseModel)["__pydantic_extra__"].__set__
_SET_PRIVATE = vars(BaseModel)["__pydantic_private__"].__set__


@cache
def _defaults(model: type[BaseModel]) -> tuple[dict[str, object], tuple[tuple[str, Callable[[], object]], ...]]:
    """Every field in its place, with its default if it has one; and what makes those that are made anew."""
    fields = model.model_fields
    factories = {name: one.default_factory for name, one in fields.items() if one.default_factory is not None}
    return {name: one.default for name, one in fields.items()}, tuple(factories.items())  # type: ignore[arg-type]


class RuleProgress(_Strict):
    """What became of one execution of a rule so far."""

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


class Execution(RuleProgress):
    """One execution of a rule, with its place."""

    step: int
    """Its key in the journal; no two executions of a run have the same."""
    rule_id: str
    path: Path
    parent: int
    """The step of the frame around it."""
    turn: bool = False
    """Whether its turn has come: it acts as soon as it is due."""

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def acts_next(self) -> bool:
        """Whether it acts as soon as it is due."""
        return self.turn and self.state in ("planned", "waiting")


class Note(_Strict):
    """What a frame's block has not been told yet."""

    what: Literal["start", "ended", "due", "received"]
    child: int | None = None
    """Of `ended`: the index of the child, its turn of a loop, and how it ended."""
    iteration: int = 0
    outcome: RuleState = "done"
    reason: str | None = None
    name: str | None = None
    """Of `received`: what has come, and what it says."""
    value: dict[str, JsonValue] = Field(default_factory=dict)


START, DUE = Note(what="start"), Note(what="due")


class Frame(_Strict):
    """An open block that is no rule."""

    step: int
    path: Path = ()
    parent: int | None = None
    iteration: int = 0
    """Which turn of the loop around it this is."""
    started_at: AwareDatetime
    until: AwareDatetime | None = None
    """When its block is told that it is due."""
    manually_scheduled: bool = False
    """An operator has decided that moment: another version's time does not change it."""
    awaits: tuple[str, ...] = ()
    """The names of what its block is told of when it comes."""
    inbox: tuple[Note, ...] = ()
    asked: int = 0
    """How many assignments it has given to employees."""
    held: str | None = None
    """Why its block could not take the first note of the inbox; an operator retries or skips it."""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    """Its block's own."""
    names: dict[str, JsonValue] = Field(default_factory=dict)
    """What conditions and texts inside it can name beside the rest."""
    outputs: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """Outputs, by name, of rules in blocks inside it that have ended."""


class State(_Strict):
    """A run's state."""

    format: Literal[2] = STATE_FORMAT
    steps: int = 1
    """The number of the next step."""
    due_on_entry: str | None = None
    """The rule that leaving the stage does not cancel: it was due on entry."""
    frames: dict[int, Frame]
    executions: dict[int, Execution] = Field(default_factory=dict)
    outcome: RuleState | None = None
    """How the root ended; null: it has not."""
    reason: str | None = None
    suspended: bool = False
    status: str | None = None
    """Of a workflow, as it says itself."""
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    """Of a workflow: `local` in its conditions and texts."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return self.outcome is not None and not any(one.state == "running" for one in self.executions.values())

    @property
    def has_begun(self) -> bool:
        """Whether anything of it has happened; a queued run has not begun."""
        return not any(note.what == "start" for note in self.frames[ROOT].inbox)

    @property
    def rules(self) -> dict[str, Execution]:
        """The last execution of each rule that is in the state, by rule."""
        return {one.rule_id: one for _, one in sorted(self.executions.items())}

    def stored(self) -> dict[str, Any]:
        """As it is kept; `read_state` reads it."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"format": self.format}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run must know of the entry it was planned for, or of the start of its workflow."""

    item_id: UUID
    entry_seq: int
    entered_at: datetime
    snapshot: ItemSnapshot


def read_state(stored: dict[str, Any], program: Program, started_at: datetime) -> State:
    """A state as it was kept, of this format or an older one."""
    if stored.get("format", 1) == 1:
        return State.model_validate(_from_format_1(stored, program, started_at))
    return State.model_validate(stored)


def _from_format_1(stored: dict[str, Any], program: Program, started_at: datetime) -> dict[str, Any]:
    """Format 1 had one state per rule of a chain, and cursors: places whose rule has its turn or has just ended."""
    steps = {rule.rule_id: position + 1 for position, rule in enumerate(program.rules())}
    turns = [tuple(cursor["place"]) for cursor in stored["cursors"]]
    executions = {
        steps[rule.rule_id]: stored["rules"][rule.rule_id]
        | {"step": steps[rule.rule_id], "rule_id": rule.rule_id, "path": path, "parent": ROOT, "turn": path in turns}
        for path, rule in program.rules_by_path.items()
    }
    passed = [one for one in executions.values() if one["turn"] and one["state"] in ENDED]
    notes = [Note(what="ended", child=one["path"][0], outcome=one["state"]) for one in passed]
    return {
        "steps": len(executions) + 1,
        "due_on_entry": stored["due_on_entry"],
        "frames": {ROOT: Frame(step=ROOT, started_at=started_at, inbox=tuple(notes)).model_dump()},
        "executions": executions,
        "outcome": None if turns else "done",
    }
