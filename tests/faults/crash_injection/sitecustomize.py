"""Python loads this at its start, when it is on the path: it plants the deadly points into the process that services
are forks of, before it imports them. A fork dies at the points of its own service.
"""

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faults.points import Point

HANG = "hang"


def crash_injection(folder: Path) -> None:
    from faults.points import POINTS

    for point in POINTS:
        module, _, path = point.target.partition(":")
        owner: Any = import_module(module)
        *way, name = path.split(".")
        for part in way:
            owner = getattr(owner, part)
        setattr(owner, name, deadly(getattr(owner, name), point, point.crash_counts(folder)))


def deadly(call: Callable[..., Any], point: "Point", crash_counts: Path) -> Callable[..., Any]:
    """The same call, and in the point's service death before or after it as long as there are crashes left."""

    def is_here() -> bool:
        return Path(sys.argv[0]).parent.name == point.service.replace("-", "_")

    @wraps(call)
    async def waited(*args: Any, **kwargs: Any) -> Any:
        if not is_here():
            return await call(*args, **kwargs)
        if point.when == "before":
            die(crash_counts)
        result = await call(*args, **kwargs)
        if point.when == "after" and (result or not point.given):
            die(crash_counts)
            if is_to_hang(crash_counts):
                await asyncio.Event().wait()
        return result

    @wraps(call)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if is_here():
            die(crash_counts)
        return result

    return waited if inspect.iscoroutinefunction(call) else at_once


def die(crash_counts: Path) -> None:
    left = _read(crash_counts)
    if left.isdecimal() and int(left) > 0:
        crash_counts.write_text(str(int(left) - 1))
        os.kill(os.getpid(), signal.SIGKILL)


def is_to_hang(crash_counts: Path) -> bool:
    """For ever, and once: as a client does that awaits an answer nobody sends."""
    if _read(crash_counts) != HANG:
        return False
    crash_counts.write_text("0")
    return True


def _read(crash_counts: Path) -> str:
    return crash_counts.read_text() if crash_counts.exists() else ""


if sys.orig_argv[-2:] == ["-m", "local_stack.fork_server"]:
    crash_injection(Path(os.environ["CRASH_COUNTS"]))
