"""How much one caller may ask of a public route."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

from contracts.kit.http import Problem

MAX_CALLERS = 10_000


class RateLimit:
    """A token bucket per caller: `per_second` on average, `burst` at once. Counted in this process only."""

    def __init__(self, per_second: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, request: Request) -> None:
        """Raises 429 when the caller's bucket is empty."""
        if wait := self.wait_s(network(request)):
            raise Problem(429, "Too many requests", "slow down", headers={"Retry-After": str(wait)})

    def wait_s(self, caller: str) -> int:
        """Takes one of the caller's tokens and returns 0; when there is none, the whole seconds until there is one."""
        now = self._now()
        tokens, filled_at = self._buckets.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - filled_at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if allowed else math.ceil((1 - tokens) / self._per_second)


def network(request: Request) -> str:
    """The caller that a limit counts: an IPv4 address, however it is written, or the /64 network of an IPv6 one."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return host
