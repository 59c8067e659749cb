"""Whether a condition can hold at all. What cannot be proven counts as possible.

A condition is split into cases (conjunctions of leaves); in each case the leaves about one path are tried, with the
very operators that run, on values that decide: the constants themselves, what lies between and beside them, options.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from typing import Any

from contracts.budget import BudgetError, spending
from contracts.conditions import WORDS, All, Any_, Condition, ConditionError, Leaf, Not, compile_condition
from rule_engine.domain.language.value_types import Shape, found

MAX_CASES = 200

type Literal_ = tuple[Leaf, bool]
"""A leaf, and whether it must hold."""


class _TooManyError(Exception):
    pass


def contradiction(condition: Condition, names: Shape, known: Mapping[str, Any]) -> str | None:
    """Why no item makes the condition true, in words; null when one may. `known`: values by path that are certain."""
    try:
        with spending():
            cases = _cases(condition, True)
            reasons = [_conflict(case, names, known) for case in cases]
    except (_TooManyError, BudgetError):
        return None
    if None in reasons:
        return None
    return next((reason for reason in reasons if reason), "`any` of nothing is never true")


def _cases(condition: Condition, wanted: bool) -> list[list[Literal_]]:
    match condition:
        case Leaf():
            return [[(condition, wanted)]]
        case Not(not_=part):
            return _cases(part, not wanted)
        case All(all=parts):
            return _joined([_cases(part, wanted) for part in parts], every=wanted)
        case Any_(any=parts):
            return _joined([_cases(part, wanted) for part in parts], every=not wanted)
        case _:
            return [[]]


def _joined(parts: Sequence[list[list[Literal_]]], *, every: bool) -> list[list[Literal_]]:
    found: list[list[Literal_]] = [[]] if every else []
    for cases in parts:
        found = [[*one, *other] for one, other in product(found, cases)] if every else [*found, *cases]
        if len(found) > MAX_CASES:
            raise _TooManyError
    return found


def _conflict(case: Sequence[Literal_], names: Shape, known: Mapping[str, Any]) -> str | None:
    by_path: dict[str, list[Literal_]] = {}
    for leaf, wanted in case:
        by_path.setdefault(leaf.path, []).append((leaf, wanted))
    conflicts = (_excluded(path, leaves, names, known) for path, leaves in by_path.items())
    return next((words for words in conflicts if words), None)


def _excluded(path: str, leaves: Sequence[Literal_], names: Shape, known: Mapping[str, Any]) -> str | None:
    if path in known:
        wrong = next((one for one in leaves if not _possible([one], [known[path]])), None)
        return f"{path} is always {known[path]!r} here, and {_words(wrong)} is wanted" if wrong else None
    values = _decisive(leaves, found(names, path))
    if values is None or _possible(leaves, values):
        return None
    several = " exclude each other" if len(leaves) > 1 else " holds for nothing"
    return " and ".join(_words(one) for one in leaves) + several


def _words(literal: Literal_) -> str:
    leaf, wanted = literal
    value = "" if leaf.op in ("empty", "filled") else f" {leaf.value}"
    return f"{'' if wanted else 'not '}{leaf.path} {WORDS.get(leaf.op, leaf.op)}{value}"


def _possible(leaves: Sequence[Literal_], values: Sequence[Any]) -> bool:
    found = [_meets(leaves, value) for value in values]
    return True in found or set(found) == {None}  # checks of conditions report values that do not compare


def _meets(leaves: Sequence[Literal_], value: Any) -> bool | None:
    """Null for a value that does not compare."""
    try:
        return all(_holds(leaf, value) is wanted for leaf, wanted in leaves)
    except ConditionError:
        return None


def _holds(leaf: Leaf, value: Any) -> bool:
    nested = value
    for key in reversed(leaf.path.split(".")):
        nested = {key: nested}
    return compile_condition(leaf)(nested).holds


def _decisive(leaves: Sequence[Literal_], shape: Shape) -> list[Any] | None:
    """Values such that one of them fits if any value does; null when there is no such list."""
    constants = [one for leaf, _ in leaves for one in _constants(leaf)]
    if not all(_is_plain(one, shape) for one in constants):
        return None
    for leaf, wanted in leaves:
        match leaf.op, wanted:
            case ("eq", True) | ("ne", False):
                return [leaf.value]
            case ("in", True) | ("not_in", False) if isinstance(leaf.value, list):
                return list(leaf.value)
            case ("empty", True) | ("filled", False):
                return [None, "", []]
    if shape.options:
        return [*shape.options, None]
    if shape.kind == "boolean":
        return [True, False, None]
    around = _AROUND.get(shape.kind)
    return None if around is None else [None, *around([one for one in constants if one is not None])]


def _constants(leaf: Leaf) -> Iterator[Any]:
    if leaf.op in ("in", "not_in", "between") and isinstance(leaf.value, list):
        yield from leaf.value
    elif leaf.op not in ("empty", "filled"):
        yield leaf.value


def _is_plain(value: Any, shape: Shape) -> bool:
    """Whether a constant is compared as it stands: no date that depends on today."""
    if value is None:
        return True
    match shape.kind:
        case "date":
            return _parsed(value, date) is not None
        case "datetime":
            return _parsed(value, datetime) is not None
        case "money":
            return isinstance(value, dict) and value.keys() == {"amount", "currency"}
        case "number":
            return isinstance(value, int | float)
        case _:
            return isinstance(value, str | int | float)


def _parsed[D: date](value: Any, type_: type[D]) -> D | None:
    try:
        return type_.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _numbers(constants: Sequence[float]) -> list[float]:
    ordered = sorted(set(constants)) or [0]
    between = [(one + other) / 2 for one, other in pairwise(ordered)]
    return [ordered[0] - 1, *ordered, *between, ordered[-1] + 1]


def _money(constants: Sequence[Mapping[str, Any]]) -> list[Any]:
    currency = constants[0]["currency"] if constants else "EUR"
    near = {one["amount"] + step for one in constants for step in (-1, 0, 1)} or {0}
    return [{"amount": amount, "currency": currency} for amount in sorted(near)]


def _moments(constants: Sequence[str], type_: type[date], step: timedelta) -> list[str]:
    near = {moment for one in constants for moment in _neighbours(type_.fromisoformat(one), step)}
    return [one.isoformat() for one in near] or [type_(2000, 1, 1).isoformat()]


def _neighbours[D: date](moment: D, step: timedelta) -> Iterator[D]:
    """Itself, and what is before and after it: nothing is before the first day of all, or after the last one."""
    for times in (-1, 0, 1):
        with suppress(OverflowError):
            yield moment + step * times


_AROUND: Mapping[str, Any] = {
    "number": _numbers,
    "money": _money,
    "date": lambda constants: _moments(constants, date, timedelta(days=1)),
    "datetime": lambda constants: _moments(constants, datetime, timedelta(microseconds=1)),
}
