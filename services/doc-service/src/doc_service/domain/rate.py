"""How often one address may open public links."""

from datetime import datetime
from ipaddress import IPv6Address, ip_address

WINDOW_S = 60


class RateLimit:
    """Counts per address in windows of a minute; what was counted is forgotten with its window."""

    def __init__(self, per_minute: int = 120) -> None:
        self._limit = per_minute
        self._window = 0
        self._counts: dict[str, int] = {}

    def hit(self, address: str, now: datetime) -> int:
        """Counts one request; the seconds to wait if it is one too many, else 0."""
        window, second = divmod(int(now.timestamp()), WINDOW_S)
        if window != self._window:
            self._window, self._counts = window, {}
        who = _subscriber(address)
        self._counts[who] = self._counts.get(who, 0) + 1
        return WINDOW_S - second if self._counts[who] > self._limit else 0


def _subscriber(address: str) -> str:
    """An IPv4 address, or the /64 that one subscriber has of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address
