"""What operators do with dead letters and parked outbox rows, as values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from contracts.kit.dead_letter.letter import DeadLetter

ActionKind = Literal["replay", "discard", "release"]
"""`release` is of a parked outbox row, the others are of dead letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAction:
    """What an operator of the platform did, when and why: the audit.

    `selection` is what was asked for, as JSON; `letters` is how many dead letters it was about. A replay is finished
    when none of its letters is left to be replayed; the other kinds are finished at once.
    """

    id: UUID
    kind: ActionKind
    operator: str
    started_at: datetime
    reason: str
    selection: dict[str, Any]
    letters: int = 0
    per_second: float | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What the replayer does next: it replays `letter`, if there is one, and waits for `pause_s`."""

    pause_s: float = 0
    letter: DeadLetter | None = None
