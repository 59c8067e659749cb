"""The operators of conditions, a row each: model, evaluation, checks and `docs/values.md` follow from this table."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from contracts.conditions import comparison as of
from contracts.conditions.costs import asking_work, comparing_work, length_of, members_work, search_work
from contracts.conditions.operands import Period, operands
from contracts.conditions.patterns import Pattern, compile_pattern, refuse_pattern

MAX_VALUES = 1_000
"""Values of a list that a leaf compares with."""

Kind = Literal[
    "text", "number", "boolean", "money", "date", "datetime", "time", "user", "file", "list", "object", "any"
]
"""Kinds of values that a condition can ask about; of `any` value no more is known."""
Takes = Literal["nothing", "any value", "a value", "a list", "a pair", "a period", "a pattern"]
"""What an operator compares with; only `any value` may be null."""

type Work = Callable[[Any], int]
"""Units of `contracts.budget`."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: what it is called, takes and fits, and how it is judged."""

    name: str
    words: str
    takes: Takes
    kinds: frozenset[Kind]
    test: of.Test
    """Whether what was seen stands in this relation to what `prepare` made of the expected value."""
    work: Callable[[Any], tuple[int, Work]]
    """What `test` takes at most: for the expected value, and for what is seen."""
    prepare: Callable[[Any], Any] = lambda expected: expected
    preparing: Work = lambda _: 0
    """What `prepare` takes."""

    def refuse(self, value: Any) -> None:
        """Raises ValueError for a value that the operator does not take, as its author wrote it."""
        listed, period = isinstance(value, list), any(isinstance(one, Period) for one in operands(value))
        if listed and len(value) > MAX_VALUES:
            raise ValueError(f"{self.name} takes at most {MAX_VALUES} values")
        if period is not (self.takes == "a period"):
            raise ValueError('during, and only during, takes a period such as {"period": "this_month"}')
        match self.takes:
            case "nothing" if value is not None:
                raise ValueError(f"{self.name} takes no value")
            case "a list" if not listed:
                raise ValueError(f"{self.name} takes a list of values")
            case "a pair" if not listed or len(value) != 2 or None in value:
                raise ValueError(f"{self.name} takes a list of two values: from and to")
            case "a period" if listed:
                raise ValueError(f"{self.name} takes one period")
            case "a pattern":
                refuse_pattern(value)
            case "a value" if value is None:
                raise ValueError(f"{self.name} needs a value")
            case _:
                pass


def _not(test: of.Test) -> of.Test:
    return lambda seen, expected, values: not test(seen, expected, values)


def _no_work(_expected: Any) -> tuple[int, Work]:
    return 0, lambda _seen: 0


def _comparison(expected: Any) -> tuple[int, Work]:
    return comparing_work(expected), comparing_work


def _looking_up(_expected: Any) -> tuple[int, Work]:
    return 0, comparing_work


def _searching(expected: Any) -> tuple[int, Work]:
    return 5 * length_of(expected), asking_work


def _searching_each(expected: Any) -> tuple[int, Work]:
    asked = len(expected)
    return 5 * sum(map(length_of, expected)), lambda seen: asking_work(seen) + asked * search_work(seen)


def _folding(expected: Any) -> tuple[int, Work]:
    return 5 * length_of(expected), lambda seen: 5 * length_of(seen)


def _pattern_test(expected: Any) -> tuple[int, Work]:
    pattern: Pattern = compile_pattern(expected)
    return 0, lambda seen: pattern.work_on(seen) if isinstance(seen, str) else 0


_ORDERED: frozenset[Kind] = frozenset(("number", "money", "date", "datetime", "time", "any"))
_CHOICES: frozenset[Kind] = _ORDERED | {"text", "boolean", "user"}
_EVERY: frozenset[Kind] = _CHOICES | {"list", "file", "object"}
_PARTED: frozenset[Kind] = frozenset(("text", "list", "any"))
_TEXTS: frozenset[Kind] = frozenset(("text", "any"))
_DATED: frozenset[Kind] = frozenset(("date", "datetime", "any"))

_ROWS = (
    Operator("eq", "=", "any value", _CHOICES, of.equal, _comparison),
    Operator("ne", "≠", "any value", _CHOICES, _not(of.equal), _comparison),
    Operator("lt", "<", "a value", _ORDERED, of.ordered_by(operator.lt), _comparison),
    Operator("le", "≤", "a value", _ORDERED, of.at_most, _comparison),
    Operator("gt", ">", "a value", _ORDERED, of.ordered_by(operator.gt), _comparison),
    Operator("ge", "≥", "a value", _ORDERED, of.at_least, _comparison),
    Operator("in", "is one of", "a list", _CHOICES, of.is_one_of, _looking_up, of.Members, members_work),
    Operator("not_in", "is none of", "a list", _CHOICES, _not(of.is_one_of), _looking_up, of.Members, members_work),
    Operator("contains", "contains", "a value", _PARTED, of.contains, _searching),
    Operator("starts", "starts with", "a value", _TEXTS, of.with_folded_texts(str.startswith), _folding),
    Operator("ends", "ends with", "a value", _TEXTS, of.with_folded_texts(str.endswith), _folding),
    Operator("between", "is between", "a pair", _ORDERED, of.between, _comparison),
    Operator("empty", "is empty", "nothing", _EVERY, of.is_empty, _no_work),
    Operator("filled", "is filled", "nothing", _EVERY, _not(of.is_empty), _no_work),
    Operator("matches", "matches", "a pattern", _TEXTS, of.matches, _pattern_test, compile_pattern),
    Operator("contains_any", "contains any of", "a list", _PARTED, of.contains_any, _searching_each),
    Operator("contains_all", "contains all of", "a list", _PARTED, of.contains_all, _searching_each),
    Operator("contains_none", "contains none of", "a list", _PARTED, _not(of.contains_any), _searching_each),
    Operator("during", "is within", "a period", _DATED, of.during, _comparison),
)
OPERATORS: Mapping[str, Operator] = {row.name: row for row in _ROWS}

if TYPE_CHECKING:
    type OperatorName = str
else:
    OperatorName = Literal[*OPERATORS]
