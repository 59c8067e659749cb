"""Python loads this at its start, when it is on the path: it plants the deadly points into a service before it runs."""

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

HANG = "hang"


def crash_injection(service: str, folder: Path) -> None:
    from faults.points import POINTS

    for point in POINTS:
        if point.service == service:
            module, _, path = point.target.partition(":")
            owner: Any = import_module(module)
            *way, name = path.split(".")
            for part in way:
                owner = getattr(owner, part)
            crash_counts = point.crash_counts(folder)
            setattr(
                owner,
                name,
                deadly(getattr(owner, name), crash_counts, before=point.when == "before", given=point.given),
            )


def deadly(call: Callable[..., Any], crash_counts: Path, *, before: bool, given: bool) -> Callable[..., Any]:
    """The same call, and death before or after it as long as there are crashes left."""

    @wraps(call)
    async def waited(*args: Any, **kwargs: Any) -> Any:
        if before:
            die(crash_counts)
        result = await call(*args, **kwargs)
        if not before and (result or not given):
            die(crash_counts)
            if is_to_hang(crash_counts):
                await asyncio.Event().wait()
        return result

    @wraps(call)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
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


if sys.orig_argv[-1] == "run" and "CRASH_COUNTS" in os.environ:
    crash_injection(sys.orig_argv[-2].replace("_", "-"), Path(os.environ["CRASH_COUNTS"]))
