"""What everything in a world stands on: one source of chance, one clock, ids, and the trace of what happened."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

TENANT = UUID("00000000-0000-4000-8000-00000000000c")
ZONE = "Europe/Rome"
T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SKEW = timedelta(seconds=1)
"""How far the clocks of two machines are apart, at most."""


class SimContext:
    """All of it follows from the seed. `calm`: nothing goes wrong by chance any more."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = T0
        self.calm = False
        self.happened: list[tuple[datetime, str, tuple[object, ...]]] = []
        self._ids = 0

    def clock(self) -> datetime:
        return self.now

    def skewed_clock(self) -> datetime:
        """The clock of another machine."""
        return self.now if self.calm else self.now + SKEW * self.random.uniform(-1, 1)

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def bad_luck(self, probability: float) -> bool:
        return not self.calm and self.random.random() < probability

    def one_of[T](self, things: Sequence[T]) -> T | None:
        return self.random.choice(things) if things else None

    def say(self, what: str, *about: object) -> None:
        """Notes a step. Only values that do not change: they become text when somebody wants to read it."""
        self.happened.append((self.now, what, about))

    def trace(self) -> str:
        return "\n".join(
            f"{at:%m-%d %H:%M:%S} {what} {' '.join(_short(one) for one in about)}" for at, what, about in self.happened
        )


def _short(value: object) -> str:
    return f"…{str(value)[-5:]}" if isinstance(value, UUID) else str(value)
