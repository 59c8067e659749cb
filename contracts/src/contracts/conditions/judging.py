"""How conditions are judged: compiled once to closures, explained leaf by leaf."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from contracts.conditions.comparing import OPERATORS, ConditionError, Test, Values, kind_of, matching, now_of, today_of
from contracts.conditions.operands import PathOperand, Period, Relative, operand, operands
from contracts.conditions.tree import (
    MAX_DEPTH,
    WORDS,
    All,
    Any_,
    Condition,
    Every,
    Expr,
    Leaf,
    NoneOf,
    Not,
    Quantifier,
    Some,
    enclosed,
    quantified,
    shown,
)

type CompiledExpression = Callable[[Values], Any]
"""What an expression gives for values. Raises `ConditionError` when it gives nothing."""

_SEEN_MAX = 200
"""Characters of a text that an explanation quotes."""


class LeafVerdict(NamedTuple):
    """What one leaf saw and found. `expected` is `{path, value}` or `{said, value}` where it was found or made."""

    path: str
    op: str
    expected: Any
    seen: Any
    holds: bool

    def told_paths(self) -> frozenset[str]:
        """The paths whose values the words tell."""
        expected = self.expected if isinstance(self.expected, list) else [self.expected]
        return frozenset([self.path, *(one["path"] for one in expected if isinstance(one, dict) and "path" in one)])

    def words(self) -> str:
        """For people: `item.activity_count = 0 is false: it is 2`."""
        judged = "is true" if self.holds else "is false"
        if self.op == "expr":
            return f"{self.path} {judged}"
        expected = "" if self.op in ("empty", "filled") else f" {_short(self.expected)}"
        if self.op in ("some", "every", "none"):
            return f"{self.path} {WORDS[self.op]} {self.expected} {judged}: {self.seen}"
        seen = "" if self.holds else f": it is {_short(self.seen)}"
        return f"{self.path} {WORDS[self.op]}{expected} {judged}{seen}"


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _SEEN_MAX else f"{text[: _SEEN_MAX - 1]}…"


class Verdict(NamedTuple):
    """What a condition found, with every leaf, and with those that decided it.

    Under a `not`, what decides that the whole is false is a leaf that holds.
    """

    holds: bool
    leaves: tuple[LeafVerdict, ...]
    decisive: tuple[LeafVerdict, ...] = ()

    def why_not(self) -> str:
        """The leaves that made it false, in words."""
        return "; ".join(leaf.words() for leaf in self.decisive) or "the condition is false"


type Compiled = Callable[[Values], Verdict]
type _Leaves = tuple[LeafVerdict, ...]
type _Judge = Callable[[Values, list[LeafVerdict]], tuple[bool, _Leaves]]
"""Judges one node: whether it holds, and the leaves that decided it. Adds every leaf it saw to the list."""
type _Expressions = Callable[[str], CompiledExpression]


def compile_condition(condition: Condition, expressions: _Expressions | None = None) -> Compiled:
    """A function from values to a verdict. Every leaf is judged, so that the whole is explained.

    `expressions` compiles what `{"expr": …}` holds. Raises `ConditionError` for a condition that can never be judged;
    the function raises it for values that do not compare.
    """
    judge_node = _Compiler(expressions).node(condition, 0)

    def judge(values: Values) -> Verdict:
        leaves: list[LeafVerdict] = []
        holds, decisive = judge_node(values, leaves)
        return Verdict(holds, tuple(leaves), decisive)

    return judge


class _Compiler:
    def __init__(self, expressions: _Expressions | None) -> None:
        self._expressions = expressions

    def node(self, condition: Condition, depth: int) -> _Judge:
        if depth > MAX_DEPTH:
            raise ConditionError(f"conditions are nested deeper than {MAX_DEPTH}")
        match condition:
            case Leaf():
                return _leaf(condition)
            case All(all=parts):
                return _group([self.node(part, depth + 1) for part in parts], decided_by=False)
            case Any_(any=parts):
                return _group([self.node(part, depth + 1) for part in parts], decided_by=True)
            case Not(not_=part):
                return _negated(self.node(part, depth + 1))
            case Some() | Every() | NoneOf():
                return _quantifier(condition, self.node(condition.where, depth + 1))
            case Expr(expr=source):
                return self._expression(source)

    def _expression(self, source: str) -> _Judge:
        if self._expressions is None:
            raise ConditionError("expressions cannot be used here")
        evaluate = self._expressions(source)

        def judge(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
            found = evaluate(values)
            if not isinstance(found, bool):
                raise ConditionError(f"{source}: gives {kind_of(found)}, not yes or no")
            return _seen(LeafVerdict(source, "expr", True, found, found), leaves)

        return judge


def _seen(verdict: LeafVerdict, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
    leaves.append(verdict)
    return verdict.holds, (verdict,)


def _group(judges: list[_Judge], *, decided_by: bool) -> _Judge:
    """`all` is decided by a part that is false, `any` by one that is true; without such a part by all of them."""

    def judge(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        found = [part(values, leaves) for part in judges]
        deciding = [decisive for holds, decisive in found if holds is decided_by]
        if deciding:
            return decided_by, tuple(chain.from_iterable(deciding))
        return not decided_by, tuple(chain.from_iterable(decisive for _, decisive in found))

    return judge


def _negated(judge: _Judge) -> _Judge:
    def negated(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        holds, decisive = judge(values, leaves)
        return not holds, decisive

    return negated


def _quantifier(node: Quantifier, where: _Judge) -> _Judge:
    which, path = quantified(node)
    keys, said = path.split("."), enclosed(node.where)

    def judge(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        elements = look_up(values, keys) or []
        if not isinstance(elements, list):
            raise ConditionError(f"{path} is not a list")
        fitting = sum(where({**values, "each": one}, [])[0] for one in elements)
        holds = {"some": fitting > 0, "every": fitting == len(elements), "none": fitting == 0}[which]
        return _seen(LeafVerdict(path, which, said, f"{fitting} of {len(elements)}", holds), leaves)

    return judge


def _leaf(leaf: Leaf) -> _Judge:
    test = matching(str(leaf.value)) if leaf.op == "matches" else OPERATORS[leaf.op]
    return _made_leaf(leaf, test) if operands(leaf.value) else _constant_leaf(leaf, test)


def _constant_leaf(leaf: Leaf, test: Test) -> _Judge:
    path, op, expected, keys = leaf.path, leaf.op, leaf.value, leaf.path.split(".")

    def judge(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        seen = look_up(values, keys)
        try:
            holds = test(seen, expected, values)
        except ConditionError as error:
            raise _at(leaf, error) from error
        verdict = LeafVerdict(path, op, expected, seen, holds)
        leaves.append(verdict)
        return holds, (verdict,)

    return judge


def _made_leaf(leaf: Leaf, test: Test) -> _Judge:
    """What it compares with is made when it is judged."""
    path, op, keys = leaf.path, leaf.op, leaf.path.split(".")
    make = _list_maker(leaf.value) if isinstance(leaf.value, list) else _maker(leaf.value)

    def judge(values: Values, leaves: list[LeafVerdict]) -> tuple[bool, _Leaves]:
        seen = look_up(values, keys)
        try:
            expected, said = make(values)
            holds = test(seen, expected, values)
        except ConditionError as error:
            raise _at(leaf, error) from error
        verdict = LeafVerdict(path, op, said, seen, holds)
        leaves.append(verdict)
        return holds, (verdict,)

    return judge


type _Make = Callable[[Values], tuple[Any, Any]]
"""Makes what to compare with, and how to tell it."""


def _list_maker(written: list[Any]) -> _Make:
    makers = [_maker(one) for one in written]

    def make(values: Values) -> tuple[Any, Any]:
        made = [make(values) for make in makers]
        return [one for one, _ in made], [said for _, said in made]

    return make


def _maker(written: Any) -> _Make:
    match operand(written):
        case PathOperand(path=path):
            keys = path.split(".")
            return lambda values: _found(path, look_up(values, keys))
        case Relative(relative="today") as relative:
            return _remembering(relative, today_of)
        case Relative() as relative:
            return _remembering(relative, now_of)
        case Period() as period:
            return _remembering(period, today_of)
        case None:
            return lambda _: (written, written)


def _found(path: str, value: Any) -> tuple[Any, Any]:
    return value, {"path": path, "value": value}


def _remembering(counted: Relative | Period, start: Callable[[Values], date]) -> _Make:
    """It stays the same all day, or for all that is judged at one moment."""
    words = counted.words()

    @lru_cache(maxsize=8)
    def told(start: date) -> tuple[Any, Any]:
        found = counted.resolve(start)
        return found, {"said": words, "value": found if isinstance(found, str) else _days(*found)}

    return lambda values: told(start(values))


def _days(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"


def _at(leaf: Leaf, error: ConditionError) -> ConditionError:
    return ConditionError(f"{leaf.path} {WORDS[leaf.op]} …: {error}")


def look_up(values: Values, keys: list[str]) -> Any:
    """The value at a path; null when any step of it is absent."""
    value: Any = values
    for key in keys:
        if type(value) is not dict and not isinstance(value, Mapping):  # the first is the quick one
            return None
        value = value.get(key)
    return value
