"""What a condition found, leaf by leaf, and how it is explained to people."""

from itertools import islice
from typing import Any, NamedTuple

from contracts.conditions.model import WORDS, shown
from contracts.conditions.operators import OPERATORS

_SEEN_MAX = 200
"""Characters of a text that an explanation keeps and quotes."""
FEW = 20
"""Elements of a list, and leaves, that it keeps and quotes."""

_ALONE = frozenset(name for name, one in OPERATORS.items() if one.takes == "nothing")


class LeafVerdict(NamedTuple):
    """What one leaf saw and found. `expected` is `{path, value}` or `{said, value}` where it was found or made."""

    path: str
    op: str
    expected: Any
    seen: Any
    holds: bool

    def quoted_paths(self) -> frozenset[str]:
        """The paths whose values `words` quotes."""
        expected = self.expected if isinstance(self.expected, list) else [self.expected]
        return frozenset([self.path, *(one["path"] for one in expected if isinstance(one, dict) and "path" in one)])

    def words(self) -> str:
        """For people: `item.activity_count = 0 is false: it is 2`."""
        judged = "is true" if self.holds else "is false"
        if self.op == "expr":
            return f"{self.path} {judged}"
        expected = "" if self.op in _ALONE else f" {_short(self.expected)}"
        if self.op in ("some", "every", "none"):
            return f"{self.path} {WORDS[self.op]} {self.expected} {judged}: {self.seen}"
        seen = "" if self.holds else f": it is {_short(self.seen)}"
        return f"{self.path} {WORDS[self.op]}{expected} {judged}{seen}"


def _short(value: Any) -> str:
    return cut(shown(value))


def cut(text: str) -> str:
    return text if len(text) <= _SEEN_MAX else f"{text[: _SEEN_MAX - 1]}…"


def kept(value: Any, depth: int = 3) -> Any:
    """Cuts long texts, long lists and what is nested too deeply."""
    kind = type(value)
    if kind is str:
        return cut(value)
    if kind is not dict and kind is not list:
        return value
    if depth == 0:
        return "…"
    if kind is dict:
        return {cut(key): kept(one, depth - 1) for key, one in islice(value.items(), FEW)}
    return few([kept(one, depth - 1) for one in value[:FEW]], len(value))


SMALL = frozenset([bool, int, float, type(None)])
"""Kinds of values that are kept as they are."""


def few(first: list[Any], length: int) -> list[Any]:
    """The first elements of a list, and how many there are beside."""
    return [*first, f"… {length - FEW} more"] if length > FEW else first


class Verdict(NamedTuple):
    """What a condition found, with every leaf, and with those that decided it.

    Under a `not`, what decides that the whole is false is a leaf that holds.
    """

    holds: bool
    leaves: tuple[LeafVerdict, ...]
    decisive: tuple[LeafVerdict, ...] = ()

    def why_not(self) -> str:
        """The leaves that made it false, in words."""
        more = [f"… {len(self.decisive) - FEW} more"] if len(self.decisive) > FEW else []
        return "; ".join([*(leaf.words() for leaf in self.decisive[:FEW]), *more]) or "the condition is false"
