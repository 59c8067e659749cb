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


def plant(service: str, folder: Path) -> None:
    from faults.points import POINTS

    for point in POINTS:
        if point.service == service:
            module, _, path = point.target.partition(":")
            owner: Any = import_module(module)
            *way, name = path.split(".")
            for part in way:
                owner = getattr(owner, part)
            deaths = point.deaths(folder)
            setattr(owner, name, deadly(getattr(owner, name), deaths, before=point.when == "before", given=point.given))


def deadly(call: Callable[..., Any], deaths: Path, *, before: bool, given: bool) -> Callable[..., Any]:
    """The same call, and death before or after it as long as there are deaths left."""

    @wraps(call)
    async def waited(*args: Any, **kwargs: Any) -> Any:
        if before:
            die(deaths)
        result = await call(*args, **kwargs)
        if not before and (result or not given):
            die(deaths)
            if is_to_hang(deaths):
                await asyncio.Event().wait()
        return result

    @wraps(call)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        die(deaths)
        return result

    return waited if inspect.iscoroutinefunction(call) else at_once


def die(deaths: Path) -> None:
    left = _read(deaths)
    if left.isdecimal() and int(left) > 0:
        deaths.write_text(str(int(left) - 1))
        os.kill(os.getpid(), signal.SIGKILL)


def is_to_hang(deaths: Path) -> bool:
    """For ever, and once: as a client does that awaits an answer nobody sends."""
    if _read(deaths) != HANG:
        return False
    deaths.write_text("0")
    return True


def _read(deaths: Path) -> str:
    return deaths.read_text() if deaths.exists() else ""


if sys.orig_argv[-1] == "run" and "DEATHS" in os.environ:
    plant(sys.orig_argv[-2].replace("_", "-"), Path(os.environ["DEATHS"]))
