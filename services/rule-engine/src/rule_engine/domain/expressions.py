"""Authors' expressions (CEL): what they read, whether they make sense, and what they give for values.

An expression's work is paid for before it is computed: its tree is walked with the sizes of the values it will see,
loops multiplied out. What could take more than is left of the budget is not begun.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from cel_expr_python import cel

from contracts.budget import Budget, current, spending
from contracts.conditions import CompiledExpression, ConditionError, Values
from contracts.envelope import rfc3339
from rule_engine.domain.cel import (
    RENAMED,
    Build,
    Call,
    Comprehension,
    Constant,
    Name,
    Node,
    Parsed,
    Select,
    children,
    doubled,
    parse,
)
from rule_engine.domain.cel_words import in_words
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.functions import FUNCTIONS, inside, weight
from rule_engine.domain.shapes import ANY, PathError, Shape, described, find

# units of `contracts.budget`
_STEP, _CALL, _VALUE, _CHARACTER = 75, 4_000, 300, 5
"""An operator; a function of ours, beside what it spends itself; an element that a list or a function of ours takes or
makes; a character copied, read or made."""
_LIST, _MAPPING = 1_500, 5_000
"""CEL keeps all lists and mappings that it makes, 13 and 35 kB each, until the end."""
_EVALUATION, _GIVEN = 15_000, 700
"""An expression computed; a value that it is given, with all that is in it, as CEL wants it."""

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


def _computed(parsed: Parsed, values: Values) -> Any:
    with spending(current()) as budget, inside(values):
        budget.spend(_EVALUATION, "expressions")
        given = _given(parsed, values)
        _Work(given, budget).spend_on(parsed.tree)
        try:
            return _json(parsed.program.eval(data=given))
        except RuntimeError as error:
            raise ValueFailureError(f"the expression cannot be computed: {_reason(str(error))}") from error
        finally:
            budget.refuse_overdrawn()  # what a function of ours raised, CEL took for a value


def as_leaf(source: str) -> CompiledExpression:
    """The expression as a leaf of conditions. Raises `ConditionError`, also when it is computed."""
    try:
        parsed = parse(source)
    except ValueFailureError as error:
        raise ConditionError(str(error)) from error

    def compute(values: Values) -> Any:
        try:
            return _computed(parsed, values)
        except ValueFailureError as error:
            raise ConditionError(f"{source:.100}: {error}") from error

    return compute


def _json(found: cel.Value) -> Any:
    if found.type() == cel.Type.ERROR:
        raise ValueFailureError(f"the expression cannot be computed: {_reason(str(found.plain_value()))}")
    return _plain(found.plain_value())


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case float() if not math.isfinite(value):
            raise ValueFailureError("the expression gives no number: does it divide by zero?")
        case int() | float():
            return int(value) if value == int(value) else value
        case datetime():
            return rfc3339(value)
        case timedelta():
            return _plain(value.total_seconds())
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
    raise ValueFailureError("the expression gives a value of a kind that cannot be used")


def _reason(text: str) -> str:
    """Why, as far as it quotes no values: kinds, names of keys, and what functions of ours say."""
    reason = text.partition(": ")[2] or text
    reason = reason.partition(" [")[0].strip()
    if reason.partition(":")[0].partition(" ")[0] in FUNCTIONS:
        return f"{reason:.200}"
    return in_words(reason) or "a value does not fit its operator or function"


# what an expression reads


def paths_of(source: str) -> frozenset[str]:
    """Dotted paths of the context, up to the first list; none for what is no expression."""
    try:
        chains = _chains(parse(source).tree)
    except ValueFailureError:
        return frozenset()
    return frozenset(".".join(_until_list(chain)) for chain, _ in chains)


def _until_list(chain: Chain) -> Iterator[str]:
    for key in chain:
        if isinstance(key, int):
            return
        yield key


def faults(source: str, root: Shape) -> Iterator[str]:
    """What is wrong with it: how it is written, or what it names."""
    try:
        chains = _chains(parse(source).tree)
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


_SPELLED = {renamed: name for name, renamed in RENAMED.items()}


def _chain(node: Node, scope: _Scope) -> Chain | None:
    """The keys that lead to a node's value, if it is found and not made."""
    match node:
        case Name(name=name):
            return scope[name] if name in scope else (_SPELLED.get(name, name),)
        case Select(operand=operand, key=key):
            above = _chain(operand, scope)
            return None if above is None else (*above, key)
        case Call(function="_[_]", arguments=(operand, Constant(value=value))):
            above = _chain(operand, scope)
            return None if above is None else (*above, value if isinstance(value, str) else 0)
        case _:
            return None


def _given(parsed: Parsed, values: Values) -> dict[str, Any]:
    """The values it reads, numbers as doubles. What is absent is null, and null has no fields but null ones."""
    chains = _chains(parsed.tree)
    whole = {chain for chain, tested in chains if not tested}
    data: dict[str, Any] = _picked({root: values.get(root) for root in _roots(chains)}, [chain for chain, _ in chains])
    for chain in whole:
        _complete(data, chain, whole)
    return {RENAMED.get(name, name): value for name, value in data.items()}


def _roots(chains: Iterable[tuple[Chain, bool]]) -> set[str]:
    return {str(chain[0]) for chain, _ in chains}


def _picked(value: Any, chains: list[Chain]) -> Any:
    """Of objects, also in lists, only what the chains lead to. Spends for it before it is copied."""
    if isinstance(value, list) and all(chain and isinstance(chain[0], int) for chain in chains):
        current().spend(_GIVEN * len(value), "expressions")
        below = [chain[1:] for chain in chains]
        return [_picked(one, below) for one in value]
    if not isinstance(value, dict) or not all(chain and isinstance(chain[0], str) for chain in chains):
        current().spend(weight(value, _CHARACTER, _GIVEN), "expressions")
        return doubled(value)
    wanted: dict[str, list[Chain]] = {}
    for key, *beyond in chains:
        wanted.setdefault(str(key), []).append(tuple(beyond))
    return {key: _picked(value[key], rest) for key, rest in wanted.items() if key in value}


def _complete(data: dict[str, Any], chain: Chain, whole: set[Chain]) -> None:
    node: Any = data
    for at, key in enumerate(chain):
        if not isinstance(node, dict) or not isinstance(key, str):
            return
        last = at == len(chain) - 1
        if node.get(key) is None:
            node[key] = None if last or chain[: at + 1] in whole or isinstance(chain[at + 1], int) else {}
        node = node[key]


# how much work it is


class _Measure(NamedTuple):
    """At most how large a value is: elements (of a list), characters and values in all; and its largest element."""

    elements: int
    size: int
    element: "_Measure | None" = None

    def inside(self) -> "_Measure":
        """Something in it."""
        return self.element or _Measure(self.size, self.size)


def _largest(measures: list[_Measure]) -> _Measure | None:
    """At most as large as each of them."""
    if not measures:
        return None
    inner = _largest([one.element for one in measures if one.element])
    return _Measure(max(one.elements for one in measures), max(one.size for one in measures), inner)


_ONE, _NOTHING = _Measure(1, 1), _Measure(0, 0)
_SMALL = frozenset(
    ("_&&_", "_||_", "!_", "-_", "_-_", "_*_", "_/_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "in_")
).union(("@not_strictly_false", "size_", "contains", "startsWith", "endsWith"))
"""What gives yes, no, or a number."""


class _Work:
    """Spends what an expression takes on values, before it is computed."""

    def __init__(self, given: Mapping[str, Any], budget: Budget) -> None:
        self._given = given
        self._budget = budget
        self._known: dict[int, _Measure] = {}

    def spend_on(self, tree: Node) -> None:
        self._node(tree, {}, 1)

    def _spend(self, work: int, times: int) -> None:
        self._budget.spend(work * times, "expressions")

    def _node(self, node: Node, scope: Mapping[str, _Measure], times: int) -> _Measure:
        self._spend(_STEP, times)
        match node:
            case Constant(size=size):
                return _Measure(1, size)
            case Name(name=name) if name in scope:
                return scope[name]
            case Name(name=name):
                return _measured(self._given.get(name), self._known)
            case Select():
                return self._select(node, scope, times)
            case Build(parts=parts, mapping=mapping):
                made = [self._node(part, scope, times) for part in parts]
                self._spend((_MAPPING if mapping else _LIST) + _VALUE * len(made), times)
                return _Measure(len(made), len(made) + sum(one.size for one in made), _largest(made))
            case Comprehension():
                return self._loop(node, scope, times)
            case Call(function=function, arguments=arguments):
                found = [self._node(one, scope, times) for one in arguments]
                return self._call(function, found, times)

    def _select(self, node: Select, scope: Mapping[str, _Measure], times: int) -> _Measure:
        """A value that is there is measured as it is; another one is no larger than what it is in."""
        chain = _chain(node, dict.fromkeys(scope))
        if chain is None:
            return self._node(node.operand, scope, times).inside()
        value: Any = self._given.get(RENAMED.get(str(chain[0]), str(chain[0])))
        for key in chain[1:]:
            value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else value
        return _measured(value, self._known)

    def _loop(self, node: Comprehension, scope: Mapping[str, _Measure], times: int) -> _Measure:
        """What a step adds is told by its result on nothing: the macros only ever add to what there was."""
        over = self._node(node.range, scope, times)
        start = self._node(node.start, scope, times)
        rounds = times * over.elements
        inner = {**scope, node.accumulator: _NOTHING}
        inner |= dict.fromkeys(node.variables, over.inside())
        self._node(node.condition, inner, rounds)
        added = self._node(node.step, inner, rounds)
        count, size = start.elements + over.elements * added.elements, start.size + over.elements * added.size
        made = _Measure(count, size, _largest([one.element for one in (start, added) if one.element]))
        return self._node(node.result, {**scope, node.accumulator: made}, times)

    def _call(self, function: str, found: list[_Measure], times: int) -> _Measure:
        size = sum(one.size for one in found)
        ours = function[0].isalpha() and function not in _SMALL
        if function == "_[_]":
            return found[0].inside()
        if function == "_?_:_":
            return _largest(found[1:]) or _ONE
        self._spend(_CHARACTER * size, times)
        if ours:
            self._spend(_CALL + _VALUE * sum(one.elements for one in found), times)
        if function in _SMALL or function == "matches_":
            return _ONE
        return self._made(function, found, size, times)

    def _made(self, function: str, found: list[_Measure], size: int, times: int) -> _Measure:
        """What concatenation and functions make is as large as their arguments, joined or printed."""
        if function == "join":
            size += found[0].elements * (found[1].size if len(found) > 1 else 2)
        count = size if function == "split" else sum(one.elements for one in found)
        made = _Measure(
            count, size + (100 if function[0].isalpha() else 0), _largest([one.element or one for one in found])
        )
        self._spend(_CHARACTER * made.size, times)
        return made


def _measured(value: Any, known: dict[int, _Measure]) -> _Measure:
    """Each list and object once, however often it is read."""
    if not isinstance(value, dict | list):
        return _Measure(1, len(value) + 1) if isinstance(value, str) else _ONE
    if id(value) not in known:
        parts = [_measured(inner, known) for inner in (value.values() if isinstance(value, dict) else value)]
        keys = sum(map(len, value)) if isinstance(value, dict) else 0
        known[id(value)] = _Measure(len(value), keys + sum(one.size for one in parts) + 1, _largest(parts))
    return known[id(value)]
