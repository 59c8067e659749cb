"""Conditions of rules and triggers: a typed tree over named values, compiled once, explained leaf by leaf.

A condition is one of `{"all": […]}`, `{"any": […]}`, `{"not": {…}}` or a leaf
`{"path": "item.amount", "op": "gt", "value": {"amount": 100000, "currency": "EUR"}}`.
Values are looked up by dotted path in a nested mapping of JSON values; what is absent counts as empty (null).
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

MAX_DEPTH = 20

type Values = Mapping[str, Any]
Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "contains", "starts", "ends", "between", "empty", "filled"
]

WORDS: Mapping[str, str] = {
    "eq": "=",
    "ne": "≠",
    "lt": "<",
    "le": "≤",
    "gt": ">",
    "ge": "≥",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "starts": "starts with",
    "ends": "ends with",
    "between": "is between",
    "empty": "is empty",
    "filled": "is filled",
}


class ConditionError(Exception):
    """Two values do not compare, such as money of two currencies; the text names path and kinds, for people."""


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Leaf(_Node):
    """One comparison. `value` is what to compare with; none for `empty` and `filled`, a pair for `between`."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[\w-]+)*$", max_length=200)]
    op: Operator
    value: JsonValue = None

    @model_validator(mode="after")
    def _has_fitting_value(self) -> "Leaf":
        if self.op in ("empty", "filled") and self.value is not None:
            raise ValueError(f"{self.op} takes no value")
        if self.op in ("in", "not_in") and not isinstance(self.value, list):
            raise ValueError(f"{self.op} takes a list of values")
        if self.op == "between" and not (
            isinstance(self.value, list) and len(self.value) == 2 and None not in self.value
        ):
            raise ValueError("between takes a list of two values: from and to")
        if self.op in ("lt", "le", "gt", "ge", "contains", "starts", "ends") and self.value is None:
            raise ValueError(f"{self.op} needs a value")
        return self


class All(_Node):
    """True when every part is; an empty list is true."""

    all: tuple["Condition", ...]


class Any_(_Node):
    """True when at least one part is; an empty list is false."""

    any: tuple["Condition", ...]


class Not(_Node):
    """True when its part is not."""

    not_: "Condition" = Field(alias="not")


Condition = Leaf | All | Any_ | Not
for _model in (All, Any_, Not):
    _model.model_rebuild()


class LeafVerdict(NamedTuple):
    """What one leaf saw and found."""

    path: str
    op: str
    expected: Any
    seen: Any
    holds: bool

    def words(self) -> str:
        """For people: `item.activity_count = 0 is false: it is 2`."""
        expected = "" if self.op in ("empty", "filled") else f" {_shown(self.expected)}"
        seen = "" if self.holds else f": it is {_shown(self.seen)}"
        return f"{self.path} {WORDS[self.op]}{expected} is {'true' if self.holds else 'false'}{seen}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition found, with every leaf, and with those that decided it.

    Under a `not`, what decides that the whole is false is a leaf that holds.
    """

    holds: bool
    leaves: tuple[LeafVerdict, ...]
    decisive: tuple[LeafVerdict, ...] = ()

    def why_not(self) -> str:
        """The leaves that made it false, in words."""
        return "; ".join(leaf.words() for leaf in self.decisive) or "the condition is false"


def _shown(value: Any) -> str:
    return "empty" if value is None or value == "" else str(value)


type Compiled = Callable[[Values], Verdict]
type _Leaves = tuple[LeafVerdict, ...]
type _Test = Callable[[Values, list[LeafVerdict]], tuple[bool, _Leaves]]
"""Judges one node: whether it holds, and the leaves that decided it. Adds every leaf it saw to the list."""


def compile_condition(condition: Condition) -> Compiled:
    """A function from values to a verdict. Every leaf is judged, so that the whole is explained.

    The function raises `ConditionError` for values that do not compare.
    """
    test = _compile(condition, 0)

    def judge(values: Values) -> Verdict:
        leaves: list[LeafVerdict] = []
        holds, decisive = test(values, leaves)
        return Verdict(holds, tuple(leaves), decisive)

    return judge


def _compile(condition: Condition, depth: int) -> _Test:
    if depth > MAX_DEPTH:
        raise ConditionError(f"conditions are nested deeper than {MAX_DEPTH}")
    match condition:
        case Leaf():
            return _compile_leaf(condition)
        case All(all=parts):
            return _compile_group([_compile(part, depth + 1) for part in parts], decided_by=False)
        case Any_(any=parts):
            return _compile_group([_compile(part, depth + 1) for part in parts], decided_by=True)
        case Not(not_=part):
            return _negated(_compile(part, depth + 1))


def _compile_group(tests: list[_Test], *, decided_by: bool) -> _Test:
    """`all` is decided by a part that is false, `any` by one that is true; without such a part by all of them."""

    def test(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        found = [part(values, leaves) for part in tests]
        deciding = [decisive for holds, decisive in found if holds is decided_by]
        if deciding:
            return decided_by, tuple(chain.from_iterable(deciding))
        return not decided_by, tuple(chain.from_iterable(decisive for _, decisive in found))

    return test


def _negated(test: _Test) -> _Test:
    def negated(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        holds, decisive = test(values, leaves)
        return not holds, decisive

    return negated


def _compile_leaf(leaf: Leaf) -> _Test:
    keys = leaf.path.split(".")
    compare = _OPERATORS[leaf.op]

    def test(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        seen = look_up(values, keys)
        try:
            holds = compare(seen, leaf.value)
        except ConditionError as error:
            raise ConditionError(f"{leaf.path} {WORDS[leaf.op]} …: {error}") from error
        verdict = LeafVerdict(leaf.path, leaf.op, leaf.value, seen, holds)
        leaves.append(verdict)
        return holds, (verdict,)

    return test


def look_up(values: Values, keys: list[str]) -> Any:
    """The value at a path; null when any step of it is absent."""
    value: Any = values
    for key in keys:
        if type(value) is not dict and not isinstance(value, Mapping):  # the first is the quick one
            return None
        value = value.get(key)
    return value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(seen: Any, expected: Any) -> bool:
        if seen is None:
            return False
        return compare(*_comparable(seen, expected))

    return ordered


def _comparable(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values in a form that compares: numbers, money of one currency, moments, texts."""
    if _is_number(a) and _is_number(b):
        return a, b
    if _is_money(a) and _is_money(b):
        if a["currency"] != b["currency"]:
            raise ConditionError(f"{a['currency']} does not compare with {b['currency']}")
        return a["amount"], b["amount"]
    if isinstance(a, str) and isinstance(b, str):
        moments = _moment(a), _moment(b)
        return moments if None not in moments else (a, b)
    raise ConditionError(f"{_kind(a)} does not compare with {_kind(b)}")


def _is_money(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() >= {"amount", "currency"}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _kind(value: Any) -> str:
    names = {str: "text", bool: "yes/no", int: "a number", float: "a number", list: "a list"}
    return "money" if _is_money(value) else names.get(type(value), "another kind of value")


def _equal(seen: Any, expected: Any) -> bool:
    if isinstance(seen, str) and isinstance(expected, str):
        a, b = _comparable(seen, expected)
        return bool(a == b)
    if isinstance(seen, bool) is not isinstance(expected, bool):
        return False
    return bool(seen == expected)


def _contains(seen: Any, expected: Any) -> bool:
    if isinstance(seen, str):
        return str(expected).casefold() in seen.casefold()
    return isinstance(seen, list) and any(_equal(one, expected) for one in seen)


def _empty(seen: Any, _: Any) -> bool:
    return seen is None or seen in ("", [], {})


def _text(method: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda seen, expected: isinstance(seen, str) and method(seen.casefold(), str(expected).casefold())


_le, _ge = _ordered(operator.le), _ordered(operator.ge)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "ne": lambda seen, expected: not _equal(seen, expected),
    "lt": _ordered(operator.lt),
    "le": _le,
    "gt": _ordered(operator.gt),
    "ge": _ge,
    "in": lambda seen, expected: any(_equal(seen, one) for one in expected),
    "not_in": lambda seen, expected: not any(_equal(seen, one) for one in expected),
    "contains": _contains,
    "starts": _text(str.startswith),
    "ends": _text(str.endswith),
    "between": lambda seen, expected: _ge(seen, expected[0]) and _le(seen, expected[1]),
    "empty": _empty,
    "filled": lambda seen, _: not _empty(seen, None),
}


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Every leaf, left to right."""
    match condition:
        case Leaf():
            yield condition
        case All(all=parts) | Any_(any=parts):
            for part in parts:
                yield from leaves_of(part)
        case Not(not_=part):
            yield from leaves_of(part)


def paths(condition: Condition) -> frozenset[str]:
    """Every path a condition reads."""
    return frozenset(leaf.path for leaf in leaves_of(condition))
