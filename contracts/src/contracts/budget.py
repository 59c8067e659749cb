"""How much work one decision may do: one budget for its condition, expressions, texts and functions together.

A unit is 10 ns of a slow core, and every cost is reckoned at what the worst program of its kind was measured to take
(`make bench`), so that the whole of `WORK` holds up the event loop for at most 50 ms. Work is counted in characters,
elements and calls, never in time: a decision that is made again spends the same.
"""

from contextvars import ContextVar, Token
from typing import Literal

WORK = 5_000_000
"""Units of one decision."""

type Kind = Literal["conditions", "expressions", "functions", "texts"]


class BudgetError(Exception):
    """A decision takes more work than it may; the text says what took it and what to do, for people."""

    def at(self, where: str) -> "BudgetError":
        """The same, said of a place."""
        return BudgetError(f"{where}: {self}")


class Budget:
    """What is left of the work that may be done. Once it is overdrawn, whatever is spent is refused."""

    __slots__ = ("_left", "_units", "spent")

    def __init__(self, units: int = WORK) -> None:
        self._units = units
        self._left = units
        self.spent: dict[str, int] = {}
        """Units by kind."""

    def total(self) -> int:
        """Units spent in all."""
        return sum(self.spent.values())

    @property
    def overdrawn(self) -> bool:
        return self._left < 0

    def spend(self, units: int, kind: Kind) -> None:
        """Before the work is done. Raises `BudgetError` when it is more than is left."""
        self._left -= units
        self.spent[kind] = self.spent.get(kind, 0) + units
        if self._left < 0:
            raise BudgetError(self._words())

    def _words(self) -> str:
        most_first = sorted(self.spent.items(), key=lambda one: -one[1])
        shares = ", ".join(f"{kind} {min(100 * units // self._units, 999)} %" for kind, units in most_first)
        return f"takes too much work (of what may be done at once: {shares}): shorten lists, loops and texts"


_OPEN: ContextVar[Budget | None] = ContextVar("budget", default=None)


def current() -> Budget:
    """The budget of the decision under way; outside of one a fresh one."""
    return _OPEN.get() or Budget()


class spending:  # noqa: N801 - it is written as a statement: `with spending():`
    """Code inside spends of this budget; by default of a fresh one."""

    __slots__ = ("_budget", "_token")
    _token: Token[Budget | None]

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()

    def __enter__(self) -> Budget:
        self._token = _OPEN.set(self._budget)
        return self._budget

    def __exit__(self, *_: object) -> None:
        _OPEN.reset(self._token)
