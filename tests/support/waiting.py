"""Waiting is polling to a deadline: often at first, then at intervals of a tenth of what was waited for so far.

So a short wait is noticed at once, and a long one leaves the machine to what is waited for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_S = 180.0


async def eventually[T](look: Callable[[], Awaitable[T]], what: str = "it", within_s: float = DEADLINE_S) -> T:
    """Polls until `look` gives something true; fails with what was seen last."""
    began = time.monotonic()
    while not (found := await look()):
        waited = time.monotonic() - began
        assert waited < within_s, f"{what} did not happen in {within_s:.0f} s; last seen: {found!r}"
        await asyncio.sleep(_pause(waited))
    return found


def until(done: Callable[[], bool], what: str = "it", within_s: float = DEADLINE_S) -> None:
    """The same where nothing is awaited."""
    began = time.monotonic()
    while not done():
        waited = time.monotonic() - began
        assert waited < within_s, f"{what} did not happen in {within_s:.0f} s"
        time.sleep(_pause(waited))


def _pause(waited: float) -> float:
    return min(max(waited / 10, 0.02), 0.5)
