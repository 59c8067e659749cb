"""How much one caller may ask of a public route."""

import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from contracts.kit.http import Problem

MAX_CALLERS = 10_000


class RateLimit:
    """A token bucket per address: `per_second` on average, `burst` at once. Counted in this process only."""

    def __init__(self, per_second: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, request: Request) -> None:
        """Raises 429 when the caller's bucket is empty."""
        self.take_from(request.client.host if request.client else "")

    def take_from(self, caller: str) -> None:
        now = self._now()
        tokens, filled_at = self._buckets.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - filled_at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise Problem(429, "Too many requests", "slow down", headers={"Retry-After": "1"})
