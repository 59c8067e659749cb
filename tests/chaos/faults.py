"""What goes wrong: kills, restarts and stalls of servers and services, drawn from a seed, one every few seconds."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random

import psutil

from local_stack.errors import StackError
from local_stack.part import Part
from local_stack.stack import Stack

RECOVERY_S = 60.0
"""How long a part that was started is left alone until it is ready; after that it is fair game again."""
SHORT_STALL_S = (0.5, 1.5)
EBB = 8 / 7
"""How much longer each pause is than the one before, once nothing new begins."""

type Say = Callable[[str], None]


class Faults:
    """Disturbs the parts of a stack until it is stopped; then all of them are up again.

    While a part recovers from one fault, the next ones are short stalls of others: on a slow machine nothing would ever
    be up otherwise, and nothing done that faults could disturb.
    """

    def __init__(self, stack: Stack, seed: str, every_s: float, say: Say) -> None:
        self._parts: Sequence[Part] = [*stack.servers, *stack.present_services]
        self._random = Random(f"{seed}/faults")
        self._every_s = every_s
        self._say = say
        self._began = time.monotonic()
        self._down: set[str] = set()
        self._ebbing = False
        self.goes_on, self.defects = False, ()
        self.counts: Counter[str] = Counter()
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        """Seconds from a start to readiness, by part."""

    def ebb(self) -> None:
        """Nothing new begins any more: what is left comes to its end under fewer faults, on a slow machine, too."""
        self._ebbing = True

    async def run(self, until: asyncio.Event) -> None:
        """The pauses are drawn evenly between three quarters and five quarters of the mean."""
        mean_s = self._every_s
        async with asyncio.TaskGroup() as group:
            while not until.is_set():
                mean_s *= EBB if self._ebbing else 1
                pause = self._random.uniform(0.75, 1.25) * mean_s
                with suppress(TimeoutError):
                    await asyncio.wait_for(until.wait(), pause)
                    return
                group.create_task(self._begin())

    async def _begin(self) -> None:
        """What is drawn does not depend on how fast the machine is."""
        kind, parts = self._random.choice(_KINDS), self._random.sample(self._parts, len(self._parts))
        seconds = self._random.uniform(1, 6), self._random.uniform(*SHORT_STALL_S)
        free = [part for part in parts if part.name not in self._down]
        if self._down:
            await self._stall(free[0], seconds[1])
        else:
            await kind(self, free, seconds[0])

    def _tell(self, what: str, part: Part) -> None:
        self.counts[f"{what} {part.name}"] += 1
        self._say(f"{time.monotonic() - self._began:7.1f} s  {what} {part.name}")

    async def kill(self, parts: Sequence[Part], _: float) -> None:
        """`kill -9` and a new start."""
        await self._kill(parts[0])

    async def kill_two(self, parts: Sequence[Part], _: float) -> None:
        """Two at the same moment."""
        await asyncio.gather(self._kill(parts[0]), self._kill(parts[1]))

    async def kill_again(self, parts: Sequence[Part], seconds: float) -> None:
        """Killed once more while it is starting."""
        await self._kill(parts[0], again_after=seconds / 2)

    async def restart(self, parts: Sequence[Part], _: float) -> None:
        """SIGTERM, as a roll-out does it, and a new start."""
        with self._hold(parts[0]):
            self._tell("restart", parts[0])
            await asyncio.to_thread(parts[0].stop)
            await self._start(parts[0])

    async def stall(self, parts: Sequence[Part], seconds: float) -> None:
        """SIGSTOP for some seconds: nothing answers, no connection is lost."""
        with self._hold(parts[0]):
            await self._stall(parts[0], seconds)

    async def _kill(self, part: Part, again_after: float | None = None) -> None:
        with self._hold(part):
            self._tell("kill -9", part)
            await asyncio.to_thread(part.kill)
            if again_after is not None:
                await asyncio.to_thread(part.launch)
                await asyncio.sleep(again_after)
                self._tell("kill -9", part)
                await asyncio.to_thread(part.kill)
            await self._start(part)

    async def _stall(self, part: Part, seconds: float) -> None:
        self._tell("stall", part)
        family = _family(part)
        _signal(family, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        _signal(family, signal.SIGCONT)

    async def _start(self, part: Part) -> None:
        """Its slowness is no fault: whether everything comes back is seen at the end."""
        began = time.monotonic()
        with suppress(StackError):
            await asyncio.to_thread(part.start, RECOVERY_S)
        self.recoveries[part.name].append(time.monotonic() - began)

    @contextmanager
    def _hold(self, part: Part) -> Iterator[None]:
        self._down.add(part.name)
        try:
            yield
        finally:
            self._down.discard(part.name)


_KINDS = (
    *(6 * (Faults.kill,)),
    Faults.kill_again,
    Faults.kill_two,
    *(2 * (Faults.restart,)),
    *(2 * (Faults.stall,)),
)


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
