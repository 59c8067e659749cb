"""Long work on what one tenant wrote, in a process of its own: it must not hold up anything else here.

What it works on goes in pickled, from this very program, and what it found comes out as JSON. The process yields to
others (`nice`), and it is killed when nobody waits for it any more. A tenant has one at a time.
"""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from resource import RLIMIT_CPU, setrlimit
from uuid import UUID

from contracts.kit.gc_tuning import tune_gc
from contracts.kit.shares import Shares
from rule_engine.domain.errors import EngineError

AT_ONCE, WAITING = 2, 3
"""Processes under way of one process of the service; work of one tenant that waits."""
LONGEST_S = 900
_NICE = 10


class ProcessFailedError(EngineError):
    """A process ended without findings; the text says how."""


class Processes:
    """Places for such work, at most one of a tenant."""

    def __init__(self) -> None:
        self._places = Shares("simulation", AT_ONCE, most=1, queue=WAITING)

    @asynccontextmanager
    async def place(self, tenant: UUID) -> AsyncGenerator[None]:
        """Raises `QueueFullError`."""
        async with self._places.place(tenant):
            yield


async def in_process(work: Callable[..., bytes], *given: object) -> bytes:
    """What a function of a module gives in a process of its own. Raises `ProcessFailedError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rule_engine.processes",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    asked = await asyncio.to_thread(pickle.dumps, (work, given))
    try:
        async with asyncio.timeout(LONGEST_S):
            found, _ = await process.communicate(asked)
    except TimeoutError as error:
        raise ProcessFailedError(f"it took longer than {LONGEST_S} s: ask for fewer items or days") from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with processes of its own
        await process.wait()
    if process.returncode:
        raise ProcessFailedError(f"its process ended with {process.returncode}")
    return found


def main() -> None:
    """Reads what to do from standard input, and writes what was found."""
    os.nice(_NICE)
    setrlimit(RLIMIT_CPU, (LONGEST_S, LONGEST_S))  # also of its own processes, and when the service was killed
    tune_gc()
    work, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - from `in_process`, through a pipe
    sys.stdout.buffer.write(work(*given))


if __name__ == "__main__":
    main()
