"""Processes that kill themselves between two steps: the test's own main wraps what the step is done with."""

import os
import signal
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any


def die() -> None:
    """Kills the process as long as the file `CRASH_COUNTS` has crashes left."""
    crash_counts = Path(os.environ["CRASH_COUNTS"])
    left = int(crash_counts.read_text())
    if left > 0:
        crash_counts.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)


def dying[**P, R](call: Callable[P, Coroutine[Any, Any, R]], *, after: bool) -> Callable[P, Coroutine[Any, Any, R]]:
    """The same call, with death before or after it."""

    @wraps(call)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if not after:
            die()
        result = await call(*args, **kwargs)
        if after:
            die()
        return result

    return wrapped
