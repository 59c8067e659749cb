"""Authors' expressions: what they give for values, what they read, whether they make sense."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import Any

from contracts.budget import current, spending
from contracts.conditions import CompiledExpression, ConditionError, Values
from contracts.envelope import rfc3339
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.cel import SPELLED, Call, Comprehension, Constant, Name, Node, Select, children, parse
from rule_engine.domain.language.evaluation import compute
from rule_engine.domain.language.functions import inside
from rule_engine.domain.language.numbers import as_json, exact
from rule_engine.domain.language.standard import seconds_of
from rule_engine.domain.language.value_types import ANY, PathError, Shape, described, find

type Chain = tuple[str | int, ...]
"""Keys from a root on; a number goes into a list, 0 also for what a macro's variable stands for."""
_COUNTED = ""
"""At the end of a chain: the list is gone through, and of its elements is read what other chains say."""
type _Scope = Mapping[str, Chain | None]
"""What the variables of macros stand for; null: something made."""


def evaluate(source: str, values: Values) -> Any:
    """What it gives, as a JSON value. Raises `ValueFailureError` with the reason, never with values."""
    with spending(current()):
        return _computed(parse(source), values)


def _computed(tree: Node, values: Values) -> Any:
    with inside(values):
        try:
            return _json(compute(tree, values))
        except ValueFailureError as error:
            raise ValueFailureError(f"the expression cannot be computed: {error}") from error


def as_leaf(source: str) -> CompiledExpression:
    """The expression as a leaf of conditions. Raises `ConditionError`, also when it is computed."""
    try:
        tree = parse(source)
    except ValueFailureError as error:
        raise ConditionError(str(error)) from error

    def given(values: Values) -> Any:
        try:
            return _computed(tree, values)
        except ValueFailureError as error:
            raise ConditionError(f"{source:.100}: {error}") from error

    return given


def _json(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() | float() | Fraction():
            return as_json(exact(value))
        case datetime():
            return rfc3339(value)
        case timedelta():
            return as_json(seconds_of(value))
        case list() | tuple():
            return [_json(one) for one in value]
        case dict():
            return {key: _json(inner) for key, inner in value.items()}
    raise ValueFailureError("it gives a value of a kind that cannot be used")


# what an expression reads


def paths_of(source: str) -> frozenset[str]:
    """Dotted paths of the context, up to the first list; none for what is no expression."""
    try:
        chains = _chains(parse(source))
    except ValueFailureError:
        return frozenset()
    return frozenset(".".join(_until_list(chain)) for chain, _ in chains)


def _until_list(chain: Chain) -> Iterator[str]:
    for key in chain:
        if isinstance(key, int):
            return
        yield key


def issues(source: str, root: Shape) -> Iterator[str]:
    """What is wrong with it: how it is written, or what it names."""
    try:
        chains = _chains(parse(source))
    except ValueFailureError as error:
        yield str(error)
        return
    for chain in sorted({chain for chain, _ in chains}, key=str):
        try:
            _find(root, chain)
        except PathError as error:
            yield str(error)


def _find(root: Shape, chain: Chain) -> Shape:
    shape = root
    for into_list, keys in groupby((key for key in chain if key != _COUNTED), key=lambda key: isinstance(key, int)):
        if not into_list:
            shape = find(shape, ".".join(map(str, keys)), in_text=False)
            continue
        for _ in keys:
            if shape.kind not in ("list", "any"):
                raise PathError(f"{'.'.join(map(str, chain))}: {described(shape)} has no elements")
            shape = shape.element or ANY
    return shape


@lru_cache(maxsize=512)
def _chains(tree: Node) -> frozenset[tuple[Chain, bool]]:
    """Every chain of keys that it reads, and whether only `has` asks for it."""
    return frozenset(_read(tree, {}))


def _read(node: Node, scope: _Scope) -> Iterator[tuple[Chain, bool]]:
    chain = _chain(node, scope)
    if chain is not None:
        yield chain, isinstance(node, Select) and node.tested
        if isinstance(node, Call):
            yield from _read(node.arguments[1], scope)
        return
    if isinstance(node, Comprehension):
        over = _chain(node.range, scope)
        yield from _read(node.range, scope) if over is None else [((*over, 0, _COUNTED), False)]
        inner = {**scope, node.accumulator: None}
        inner |= dict.fromkeys(node.variables, None if over is None else (*over, 0))
        for part in (node.start, node.condition, node.step, node.result):
            yield from _read(part, inner)
        return
    for child in children(node):
        yield from _read(child, scope)


def _chain(node: Node, scope: _Scope) -> Chain | None:
    """The keys that lead to a node's value, if it is found and not made."""
    match node:
        case Name(name=name):
            return scope[name] if name in scope else (SPELLED.get(name, name),)
        case Select(operand=operand, key=key):
            above = _chain(operand, scope)
            return None if above is None else (*above, key)
        case Call(function="_[_]", arguments=(operand, Constant(value=value))):
            above = _chain(operand, scope)
            return None if above is None else (*above, value if isinstance(value, str) else 0)
        case _:
            return None
