"""Long work on what one tenant wrote, in a process of its own: it must not hold up anything else here.

What it works on goes in pickled, from this very program, and what it found comes out as bytes. The process yields to
others (`nice`), and it is killed when nobody waits for it any more. A tenant has one at a time.

Processes are forked from a server that has the engine's core loaded and does nothing else; it is started for the first
of them and ends with the service. `multiprocessing` imports the program's main module into each, as `__mp_main__`.
"""

import asyncio
import os
import pickle
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing import get_context
from resource import RLIMIT_CPU, setrlimit
from typing import TYPE_CHECKING
from uuid import UUID

from contracts.kit.gc_tuning import tune_gc
from contracts.kit.shares import Shares
from rule_engine.domain.errors import EngineError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

AT_ONCE, WAITING = 2, 3
"""Processes under way of one process of the service; work of one tenant that waits."""
LONGEST_S = 900
_NICE = 10
_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(["rule_engine.simulator", "rule_engine.application.replays"])


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
    here, there = _FORKING.Pipe()
    process = _FORKING.Process(target=_work, args=(there,))
    try:
        await asyncio.to_thread(process.start)
        there.close()
        async with asyncio.timeout(LONGEST_S):
            found = await asyncio.to_thread(_ask, here, work, given)
    except TimeoutError as error:
        await _kill(process)
        raise ProcessFailedError(f"it took longer than {LONGEST_S} s: ask for fewer items or days") from error
    except (EOFError, ConnectionError) as error:
        await _kill(process)
        raise ProcessFailedError(f"its process ended with {process.exitcode}") from error
    except asyncio.CancelledError:
        await _kill(process)
        raise
    finally:
        there.close()
    await asyncio.to_thread(process.join)
    return found


async def _kill(process: "ForkServerProcess") -> None:
    """With processes of its own, which are in its session."""
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        await asyncio.to_thread(process.join)


def _ask(here: "Connection", work: Callable[..., bytes], given: tuple[object, ...]) -> bytes:
    with here:  # closed by who reads it: its number may be another connection's at once
        here.send_bytes(pickle.dumps((work, given)))
        return here.recv_bytes()


def _work(there: "Connection") -> None:
    """Reads what to do, and writes what was found."""
    os.setsid()
    os.nice(_NICE)
    setrlimit(RLIMIT_CPU, (LONGEST_S, LONGEST_S))  # also of its own processes, and when the service was killed
    tune_gc()
    work, given = pickle.loads(there.recv_bytes())  # noqa: S301 - from `in_process`, through a pipe
    there.send_bytes(work(*given))
