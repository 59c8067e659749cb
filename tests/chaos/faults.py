"""What goes wrong: kills, restarts and stalls of servers and services, drawn from a seed, one every few seconds."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import psutil

from local_stack.errors import StackError
from local_stack.part import Part
from local_stack.stack import Stack

RECOVERY_S = 30.0
"""How long a part that was started is left alone until it is ready; after that it is fair game again."""

type Say = Callable[[str], None]


class Faults:
    """Disturbs the parts of a stack until it is stopped; then all of them are up again."""

    def __init__(self, stack: Stack, seed: str, every_s: float, say: Say) -> None:
        self._parts: Sequence[Part] = [*stack.servers, *stack.present_services]
        self._random = Random(f"{seed}/faults")
        self._every_s = every_s
        self._say = say
        self._began = time.monotonic()
        self._busy: set[str] = set()
        self.counts: Counter[str] = Counter()

    async def run(self, until: asyncio.Event) -> None:
        """The pauses are drawn evenly between three quarters and five quarters of the mean."""
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                pause = self._random.uniform(0.75, 1.25) * self._every_s
                with suppress(TimeoutError):
                    await asyncio.wait_for(until.wait(), pause)
                    return
                group.create_task(self._random.choice(_KINDS)(self))

    def _choose(self) -> Part | None:
        """One that is not being disturbed at the moment."""
        free = [part for part in self._parts if part.name not in self._busy]
        return self._random.choice(free) if free else None

    def _tell(self, what: str, part: Part) -> None:
        self.counts[f"{what} {part.name}"] += 1
        self._say(f"{time.monotonic() - self._began:7.1f} s  {what} {part.name}")

    async def kill(self) -> None:
        """`kill -9` and a new start."""
        if part := self._choose():
            with self._hold(part):
                self._tell("kill -9", part)
                await asyncio.to_thread(part.kill)
                await _start(part)

    async def kill_twice(self) -> None:
        """Killed again while it is starting."""
        again_after = self._random.uniform(0, 3)
        if part := self._choose():
            with self._hold(part):
                for pause in (again_after, 0):
                    self._tell("kill -9", part)
                    await asyncio.to_thread(part.kill)
                    await asyncio.to_thread(part.launch)
                    await asyncio.sleep(pause)
                await _start(part)

    async def kill_two(self) -> None:
        """Two at the same moment."""
        await asyncio.gather(self.kill(), self.kill())

    async def restart(self) -> None:
        """SIGTERM, as a roll-out does it, and a new start."""
        if part := self._choose():
            with self._hold(part):
                self._tell("restart", part)
                await asyncio.to_thread(part.stop)
                await _start(part)

    async def stall(self) -> None:
        """SIGSTOP for some seconds: nothing answers, no connection is lost."""
        seconds = self._random.uniform(1, 6)
        if part := self._choose():
            with self._hold(part):
                self._tell("stall", part)
                family = _family(part)
                _signal(family, signal.SIGSTOP)
                await asyncio.sleep(seconds)
                _signal(family, signal.SIGCONT)

    def _hold(self, part: Part) -> "_Held":
        return _Held(self._busy, part.name)


class _Held:
    def __init__(self, busy: set[str], name: str) -> None:
        self._busy, self._name = busy, name

    def __enter__(self) -> None:
        self._busy.add(self._name)

    def __exit__(self, *_: object) -> None:
        self._busy.discard(self._name)


_KINDS = (
    *(6 * (Faults.kill,)),
    Faults.kill_twice,
    Faults.kill_two,
    *(2 * (Faults.restart,)),
    *(2 * (Faults.stall,)),
)


async def _start(part: Part) -> None:
    with suppress(StackError):  # its slowness is no fault: whether everything comes back is seen at the end
        await asyncio.to_thread(part.start, RECOVERY_S)


def _family(part: Part) -> list[psutil.Process]:
    pid = part.process.pid
    with suppress(psutil.NoSuchProcess):
        if pid is not None:
            process = psutil.Process(pid)
            return [process, *process.children(recursive=True)]
    return []


def _signal(family: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
