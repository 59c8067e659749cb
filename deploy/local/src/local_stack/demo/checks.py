"""How the story checks what it says: at once, or by looking again until a deadline. Passed checks are printed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from local_stack.errors import StackError

_LOOK_EVERY_S = 0.05
_PATIENCE_S = 150.0  # another worker takes over a killed one's work after a minute


class CheckError(StackError):
    """Something is not as the story says: what was expected, what was seen, and where the log is."""

    def __init__(self, what: str, expected: object, seen: object, log: Path) -> None:
        super().__init__(f"not so: {what}\n  expected: {expected}\n  seen:     {seen}\n  log:      {log}")


class Printer(Protocol):
    """Prints checks that held."""

    def held(self, what: str) -> None: ...


class Checks:
    """`logs` is the folder with a log per part of the stack."""

    def __init__(self, logs: Path, printer: Printer) -> None:
        self._logs = logs
        self._printer = printer

    def equal(self, what: str, part: str, seen: object, expected: object) -> None:
        """Raises CheckError, which names the log of `part`."""
        if seen != expected:
            raise CheckError(what, expected, seen, self._log(part))
        self._printer.held(what)

    def wait[T](self, what: str, part: str, look: Callable[[], T], holds: Callable[[T], object]) -> T:
        """Looks until it holds, and returns what it saw. Raises CheckError at the deadline."""
        deadline = time.monotonic() + _PATIENCE_S
        while not holds(seen := look()):
            if time.monotonic() > deadline:
                raise CheckError(what, f"this, within {_PATIENCE_S:.0f} s", seen, self._log(part))
            time.sleep(_LOOK_EVERY_S)
        self._printer.held(what)
        return seen

    def wait_equal(self, what: str, part: str, look: Callable[[], object], expected: object) -> None:
        """Looks until what it sees is equal to `expected`."""
        deadline = time.monotonic() + _PATIENCE_S
        while (seen := look()) != expected:
            if time.monotonic() > deadline:
                raise CheckError(what, expected, seen, self._log(part))
            time.sleep(_LOOK_EVERY_S)
        self._printer.held(what)

    def _log(self, part: str) -> Path:
        return self._logs / f"{part}.log"
