"""Whether a condition makes sense: its paths are known, its operators and values fit the kinds found there."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from contracts.conditions import WORDS, All, Any_, Condition, ConditionError, Leaf, Not, compile_condition
from contracts.values import Money
from rule_engine.domain.shapes import Kind, PathError, Shape, described, find

_ALWAYS = frozenset({"empty", "filled"})
_EQUAL = _ALWAYS | {"eq", "ne"}
_CHOICE = _EQUAL | {"in", "not_in"}
_ORDER = _CHOICE | {"lt", "le", "gt", "ge", "between"}
OPERATORS: Mapping[Kind, frozenset[str]] = {
    "text": _CHOICE | {"contains", "starts", "ends"},
    "number": _ORDER,
    "money": _ORDER,
    "date": _ORDER,
    "datetime": _ORDER,
    "boolean": _EQUAL,
    "list": _ALWAYS | {"contains"},
    "file": _ALWAYS,
    "object": _ALWAYS,
    "any": _ORDER | {"contains", "starts", "ends"},
}


def faults(condition: Condition, root: Shape, where: str) -> Iterator[tuple[str, str]]:
    """Where something is wrong, and what."""
    try:
        compile_condition(condition)
    except (ConditionError, RecursionError) as error:
        yield where, str(error)
        return
    for place, leaf in _leaves(condition, where):
        try:
            yield from ((place, what) for what in _wrong(leaf, find(root, leaf.path, in_text=False)))
        except PathError as error:
            yield f"{place}.path", str(error)


def _leaves(condition: Condition, where: str) -> Iterator[tuple[str, Leaf]]:
    match condition:
        case Leaf():
            yield where, condition
        case All(all=parts):
            for index, part in enumerate(parts):
                yield from _leaves(part, f"{where}.all[{index}]")
        case Any_(any=parts):
            for index, part in enumerate(parts):
                yield from _leaves(part, f"{where}.any[{index}]")
        case Not(not_=part):
            yield from _leaves(part, f"{where}.not")


def _wrong(leaf: Leaf, shape: Shape) -> Iterator[str]:
    if leaf.op not in OPERATORS[shape.kind]:
        fitting = ", ".join(sorted(OPERATORS[shape.kind]))
        yield f"{leaf.path} is {described(shape)}: {leaf.op!r} ({WORDS[leaf.op]}) does not fit, but {fitting} do"
        return
    several = leaf.op in ("in", "not_in", "between") and isinstance(leaf.value, list)
    compared = shape.element or shape
    exact = leaf.op in _CHOICE or shape.kind == "list"
    for value in leaf.value if several and isinstance(leaf.value, list) else [leaf.value]:
        if value is not None and leaf.op not in _ALWAYS and not _fits(value, compared):
            yield f"{leaf.path} is {described(compared)}: {value!r:.80} does not compare with it"
        elif compared.options and exact and value is not None and value not in compared.options:
            yield f"{leaf.path} is one of {', '.join(compared.options)}, never {value!r:.80}"


def _fits(value: Any, shape: Shape) -> bool:
    match shape.kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "money":
            return _is_money(value)
        case "date":
            return _parses(value, date)
        case "datetime":
            return _parses(value, datetime)
        case _:
            return True


def _is_money(value: Any) -> bool:
    try:
        Money.model_validate(value, strict=True)
    except ValueError:
        return False
    return True


def _parses(value: Any, type_: type[date]) -> bool:
    try:
        parsed = type_.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(parsed, datetime) or parsed.tzinfo is not None
