"""The rule engine with a point at which it kills itself: `DIE_AT`, as often as the file `DEATHS` says.

The points are reached by wrapping collaborators here; the engine itself knows nothing of them.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from contracts.kit import broker, outbox
from rule_engine import main
from rule_engine.activities import Activities
from rule_engine.recorder import Recorder
from rule_engine.starter import Starter


def die() -> None:
    """Kills the process as long as there are deaths left."""
    deaths = Path(os.environ["DEATHS"])
    left = int(deaths.read_text())
    if left > 0:
        deaths.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)


def dying[**P, R](call: Callable[P, Awaitable[R]], *, after: bool) -> Callable[P, Awaitable[R]]:
    @wraps(call)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        if not after:
            die()
        result = await call(*args, **kwargs)
        if after:
            die()
        return result

    return wrapped


POINTS: dict[str, tuple[Any, str, bool]] = {
    "planned, before the offset is committed": (broker, "_commit", False),
    "an execution is started, before the row knows": (Starter, "_start", True),
    "before the execution advances": (Activities, "advance_run", False),
    "a step is written, before its commit": (Recorder, "record", True),
    "a step is committed, before the execution ends": (Activities, "_try", True),
    "published, before the rows are deleted": (outbox.Relay, "_publish", True),
}

if __name__ == "__main__":
    owner, name, after = POINTS[os.environ["DIE_AT"]]
    setattr(owner, name, dying(getattr(owner, name), after=after))
    main.run()
