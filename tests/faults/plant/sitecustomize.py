"""Python loads this at its start, when it is on the path: it plants the deadly points into a service before it runs."""

import inspect
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

SHORT_LEASE = timedelta(seconds=5)
"""What a killed worker was at is taken up by the next one after so long; a minute in production."""


def plant(service: str, folder: Path) -> None:
    from faults.points import POINTS

    import_module("contracts.kit.worker").LEASE = SHORT_LEASE  # type: ignore[attr-defined]
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
        return result

    @wraps(call)
    def at_once(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        die(deaths)
        return result

    return waited if inspect.iscoroutinefunction(call) else at_once


def die(deaths: Path) -> None:
    try:
        left = int(deaths.read_text())
    except FileNotFoundError:
        return
    if left > 0:
        deaths.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)


if sys.orig_argv[-1] == "run" and "DEATHS" in os.environ:
    plant(sys.orig_argv[-2].replace("_", "-"), Path(os.environ["DEATHS"]))
