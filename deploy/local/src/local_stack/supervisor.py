"""The process that starts services again which ended by themselves, and renews the services' tokens before they end.

A wedged consumer ends itself and counts on it.
"""

import time
from dataclasses import dataclass

from local_stack.addresses import SERVICES
from local_stack.part import Part
from local_stack.stack import Stack

_LOOK_EVERY_S = 0.5
_RENEW_EVERY_S = 60.0
_LONGEST_PAUSE_S = 30.0
_HEALTHY_AFTER_S = 60.0


@dataclass
class Watch:
    """One part under watch. A part that falls again and again is started at growing intervals."""

    part: Part
    failures: int = 0
    started: float = float("-inf")

    def look(self, now: float) -> bool:
        """Starts the part if it fell and its pause is over; says whether it did."""
        if now - self.started > _HEALTHY_AFTER_S:
            self.failures = 0
        if now - self.started < self._pause() or not self.part.process.fell:
            return False
        self.failures += 1
        self.started = now
        return _start_unless_unwanted(self.part)

    def _pause(self) -> float:
        return 0.0 if self.failures == 0 else min(2.0**self.failures, _LONGEST_PAUSE_S)


def _start_unless_unwanted(part: Part) -> bool:
    """Under the lock, since `stack kill` may remove the part at the same moment."""
    with part.process.exclusive():
        if not part.process.fell:
            return False
        part.launch()
        return True


def main() -> None:
    stack = Stack.current()
    watches = [Watch(service) for service in stack.present_services]
    renewed = float("-inf")
    while True:
        if time.monotonic() - renewed > _RENEW_EVERY_S:
            renewed = time.monotonic()
            for caller, service in stack.credentials.renew(SERVICES):
                _say(f"{caller} has a new token for {service}")
        for watch in watches:
            if watch.look(time.monotonic()):
                _say(f"{watch.part.name} had ended; started")
                stack.describe()
        time.sleep(_LOOK_EVERY_S)


def _say(what: str) -> None:
    print(f"{time.strftime('%FT%TZ', time.gmtime())} {what}", flush=True)


if __name__ == "__main__":
    main()
