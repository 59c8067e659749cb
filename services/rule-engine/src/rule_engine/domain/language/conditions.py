"""Whether a condition makes sense: its paths are known, its operators and values fit the kinds found there."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from contracts.conditions import (
    WORDS,
    All,
    Any_,
    Compiled,
    Condition,
    ConditionError,
    Every,
    Expr,
    Leaf,
    NoneOf,
    Not,
    Some,
    compile_condition,
    expressions_of,
    paths,
)
from contracts.conditions.comparison import is_clock
from contracts.conditions.model import Quantifier, quantified
from contracts.conditions.operands import PathOperand, Relative, operand
from contracts.conditions.operators import OPERATORS, Kind
from contracts.issues import Issue
from contracts.moments import read_moment
from contracts.values import Money
from rule_engine.domain.language import expressions
from rule_engine.domain.language.value_types import ANY, PathError, Shape, described, find

_TEMPORAL = ("date", "datetime")


_CHOICE = ("eq", "ne", "in", "not_in")
"""What asks whether it is this value, or one of these."""


def operators_of(kind: Kind) -> frozenset[str]:
    """The operators that fit values of a kind."""
    return frozenset(name for name, one in OPERATORS.items() if kind in one.kinds)


def compiled(condition: Condition) -> Compiled:
    """With expressions. Raises `ConditionError`."""
    return compile_condition(condition, expressions.as_leaf)


def paths_of(condition: Condition) -> frozenset[str]:
    """Every path that a condition and its expressions read."""
    of_expressions = (path for source in expressions_of(condition) for path in expressions.paths_of(source))
    return paths(condition).union(path for path in of_expressions if path.partition(".")[0] != "each")


def issues(condition: Condition, root: Shape, where: str) -> Iterator[Issue]:
    """Where something is wrong, and what."""
    try:
        compiled(condition)
    except (ConditionError, RecursionError) as error:
        yield Issue(where, str(error))
        return
    yield from _issues(condition, root, where)


def _issues(condition: Condition, root: Shape, where: str) -> Iterator[Issue]:
    match condition:
        case Leaf():
            yield from _leaf_issues(condition, root, where)
        case All(all=parts):
            for index, part in enumerate(parts):
                yield from _issues(part, root, f"{where}.all[{index}]")
        case Any_(any=parts):
            for index, part in enumerate(parts):
                yield from _issues(part, root, f"{where}.any[{index}]")
        case Not(not_=part):
            yield from _issues(part, root, f"{where}.not")
        case Some() | Every() | NoneOf():
            yield from _quantifier_issues(condition, root, where)
        case Expr(expr=source):
            yield from (Issue(f"{where}.expr", what) for what in expressions.issues(source, root))


def _quantifier_issues(node: Quantifier, root: Shape, where: str) -> Iterator[Issue]:
    which, path = quantified(node)
    try:
        shape = find(root, path, in_text=False)
    except PathError as error:
        yield Issue(f"{where}.{which}", str(error))
        return
    if shape.kind not in ("list", "any"):
        yield Issue(
            f"{where}.{which}", f"{path} is {described(shape)}: only of a list can be asked what its elements are"
        )
        return
    inside = Shape("object", {**root.fields, "each": shape.element or ANY})
    yield from _issues(node.where, inside, f"{where}.where")


def _leaf_issues(leaf: Leaf, root: Shape, where: str) -> Iterator[Issue]:
    try:
        shape = find(root, leaf.path, in_text=False)
    except PathError as error:
        yield Issue(f"{where}.path", str(error))
        return
    yield from (Issue(where, what) for what in _wrong(leaf, shape, root))


def _wrong(leaf: Leaf, shape: Shape, root: Shape) -> Iterator[str]:
    operator = OPERATORS[leaf.op]
    if shape.kind not in operator.kinds:
        fitting = ", ".join(sorted(operators_of(shape.kind)))
        yield f"{leaf.path} is {described(shape)}: {leaf.op!r} ({WORDS[leaf.op]}) does not fit, but {fitting} do"
        return
    if operator.takes == "nothing":
        return
    written = leaf.value if isinstance(leaf.value, list) and operator.takes in ("a list", "a pair") else [leaf.value]
    for value in written:
        yield from _misfits(leaf, value, shape, root)
    if leaf.op == "between" and len({is_clock(value) for value in written}) > 1:
        yield f"{leaf.path}: a time of day and another value make no range"
    currencies = {str(value["currency"]) for value in written if isinstance(value, dict) and _is_money(value)}
    if leaf.op == "between" and len(currencies) > 1:
        yield f"{leaf.path}: {' and '.join(sorted(currencies))} do not compare"


def _misfits(leaf: Leaf, value: Any, shape: Shape, root: Shape) -> Iterator[str]:
    compared = shape.element or shape
    match operand(value):
        case PathOperand(path=path):
            yield from _path_misfits(leaf, path, compared, root)
        case Relative(relative=counted) if compared.kind not in (*_TEMPORAL, "any"):
            yield f"{leaf.path} is {described(compared)}: {counted} does not compare with it"
        case None if value is not None:
            yield from _constant_misfits(leaf, value, shape)


def _constant_misfits(leaf: Leaf, value: Any, shape: Shape) -> Iterator[str]:
    compared = shape.element or shape
    match value:
        case _ if isinstance(value, str) and leaf.op != "matches" and ("{{" in value or "{%" in value):
            yield f'{leaf.path}: a condition compares with {value:.80} as it stands; name a value by {{"path": …}}'
        case _ if leaf.op == "between" and is_clock(value) and compared.kind == "datetime":
            return
        case _ if not fits(value, compared):
            yield f"{leaf.path} is {described(compared)}: {value!r:.80} does not compare with it"
        case _ if compared.options and _exact(leaf, shape) and value not in compared.options:
            yield f"{leaf.path} is one of {', '.join(compared.options)}, never {value!r:.80}"
        case _ if compared.currency and _is_money(value) and value["currency"] != compared.currency:
            if leaf.op not in _CHOICE:
                yield f"{leaf.path} is in {compared.currency}: {value['currency']} does not compare with it"


def _exact(leaf: Leaf, shape: Shape) -> bool:
    return leaf.op in _CHOICE or shape.kind == "list"


def _path_misfits(leaf: Leaf, path: str, compared: Shape, root: Shape) -> Iterator[str]:
    try:
        other = find(root, path, in_text=False)
    except PathError as error:
        yield str(error)
        return
    if not _comparable(compared, other):
        yield f"{leaf.path} is {described(compared)}, {path} is {described(other)}: they do not compare"
    elif compared.currency and other.currency and compared.currency != other.currency and leaf.op not in _CHOICE:
        yield f"{leaf.path} is in {compared.currency}, {path} in {other.currency}: they do not compare"


def _comparable(one: Shape, other: Shape) -> bool:
    kinds = {one.kind, other.kind}
    return len(kinds) == 1 or "any" in kinds or kinds <= set(_TEMPORAL) or kinds <= {"text", "user"}


def fits(value: Any, shape: Shape) -> bool:
    """Whether a constant is a value of the kind that a shape is; true for kinds that are not told apart here."""
    match shape.kind:
        case "text" | "user":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "money":
            return _is_money(value)
        case "date":
            return _parses(value, date.fromisoformat)
        case "datetime":
            return _parses(value, read_moment) or _parses(value, date.fromisoformat)
        case "time":
            return is_clock(value)
        case _:
            return True


def _is_money(value: Any) -> bool:
    try:
        Money.model_validate(value, strict=True)
    except ValueError:
        return False
    return True


def _parses(value: Any, read: Callable[[str], date]) -> bool:
    try:
        parsed = read(value)
    except (AttributeError, TypeError, ValueError):
        return False
    return not isinstance(parsed, datetime) or parsed.tzinfo is not None
