"""Waiting is polling to a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_S = 180.0


async def eventually[T](look: Callable[[], Awaitable[T]], what: str = "it", within_s: float = DEADLINE_S) -> T:
    """Polls until `look` gives something true; fails with what was seen last."""
    deadline = time.monotonic() + within_s
    while not (found := await look()):
        assert time.monotonic() < deadline, f"{what} did not happen in {within_s:.0f} s; last seen: {found!r}"
        await asyncio.sleep(0.02)
    return found


def until(done: Callable[[], bool], what: str = "it", within_s: float = DEADLINE_S) -> None:
    """The same where nothing is awaited."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen in {within_s:.0f} s"
        time.sleep(0.02)
