"""Functions of numbers."""

import math
from collections.abc import Sequence
from typing import Any

from rule_engine.domain.language.functions.arguments import places, whole
from rule_engine.domain.language.functions.registry import function
from rule_engine.domain.language.functions.surroundings import here
from rule_engine.domain.language.numbers import Number, exact, rounded


@function
def abs_(value: Any) -> Number:
    """The number without its sign."""
    number = exact(value)
    return -number if number < 0 else number


@function
def min_(first: Any, *others: Any) -> Number:
    """The smallest of numbers, given one by one or as a list."""
    return min(map(exact, _each(first, others)))


@function
def max_(first: Any, *others: Any) -> Number:
    """The largest of numbers, given one by one or as a list."""
    return max(map(exact, _each(first, others)))


def _each(first: Any, others: Sequence[Any]) -> Sequence[Any]:
    return first if isinstance(first, list) and not others else [first, *others]


@function
def round_(value: Any, digits: Any = 0) -> Number:
    """Rounded, halves away from zero, to at most 12 digits after the point."""
    return exact(rounded(exact(value), places(digits)))


@function
def ceil(value: Any) -> int:
    """The next whole number up."""
    return math.ceil(exact(value))


@function
def floor(value: Any) -> int:
    """The next whole number down."""
    return math.floor(exact(value))


@function
def rand(first: Any = 0, last: Any = 100) -> int:
    """A whole number by chance, both ends included; the same for the same decision."""
    return here().chance.randint(whole(first), whole(last))


@function
def int_(value: Any) -> int:
    """A whole number; what is after the point is cut off."""
    return int(value) if isinstance(value, bool) else whole(value)


@function
def float_(value: Any) -> Number:
    """A number that may have digits after the point."""
    return exact(value)
