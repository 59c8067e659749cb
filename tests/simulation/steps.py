"""Time as the simulation knows it: tasks whose rounds are cut into steps at every `pause()`.

A step is what happens at once or not at all: a transaction, one call to a server, a poll. Between two steps anything
else may happen, and the process that was at it may be killed: what it had in memory is gone, what it committed stays.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from contracts.kit.broker import OutageError
from rule_engine.domain.errors import RunError
from rule_engine.scheduler import OUTAGES

ENDS_A_ROUND: tuple[type[BaseException], ...] = (StopIteration, OutageError, RunError, *OUTAGES)
type Round = Callable[[], Coroutine[Any, Any, None]]
"""One turn of a loop that a service repeats for ever: take a batch, start what is due, do a piece of work."""


class _Pause:
    def __await__(self) -> Generator[None]:
        yield


_PAUSE = _Pause()


def pause() -> Awaitable[None]:
    """The end of a step."""
    return _PAUSE


def at_once[T](work: Coroutine[Any, Any, T]) -> T:
    """Does in one step what never pauses: the inside of a transaction."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("paused inside a transaction")


def without_pause[T](work: Coroutine[Any, Any, T]) -> T:
    """Goes through all pauses while nothing else happens."""
    while True:
        try:
            work.send(None)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class Task:
    """A loop of a service. A server that is away, or an action that makes no sense, ends the round, not the loop."""

    def __init__(self, service: str, name: str, round: Round) -> None:
        self.service = service
        self.name = name
        self._round = round
        self._running: Coroutine[Any, Any, None] | None = None

    @property
    def idle(self) -> bool:
        return self._running is None

    def step(self) -> None:
        running = self._running = self._running or self._round()
        try:
            running.send(None)
        except ENDS_A_ROUND:
            self._running = None

    def run(self, steps: int) -> None:
        """Up to so many steps of one round."""
        for _ in range(steps):
            self.step()
            if self.idle:
                return

    def kill(self) -> None:
        """The process dies between two of its steps."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def finish(self) -> None:
        """Ends the round that is under way, or does a whole one."""
        self.step()
        while not self.idle:
            self.step()
