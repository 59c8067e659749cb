"""What the tree of an expression gives for values.

A tree becomes a function once; each run of it spends the budget of the decision as it goes: every step of a loop, every
character that is copied or looked at. Numbers are exact. What is absent is empty, and so is what is read from it.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from contracts.budget import Budget, current
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.cel import SPELLED, Build, Call, Comprehension, Constant, Name, Node, Select, children
from rule_engine.domain.language.functions import FUNCTIONS, weight
from rule_engine.domain.language.operators import OPERATORS, kind_of, yes_no
from rule_engine.domain.language.standard import STANDARD

# units of `contracts.budget`
_EVALUATION, _STEP, _ROUND, _VALUE, _FAILURE, _CHARACTER = 1_500, 300, 200, 100, 1_000, 5
"""An expression computed; a node of it; a round of a loop; a value copied or looked at; a failure kept; a character."""


class _Run:
    """One computation: the values it can read by name, those of macros among them, and the budget."""

    __slots__ = ("_budget", "names")

    def __init__(self, values: Mapping[str, Any], budget: Budget) -> None:
        self.names = dict(values)
        self._budget = budget

    def spend(self, units: int) -> None:
        self._budget.spend(units, "expressions")


type _Code = Callable[[_Run], Any]


def compute(tree: Node, values: Mapping[str, Any]) -> Any:
    """Numbers are exact ones, moments and lengths of time Python's. Raises `ValueFailureError` and `BudgetError`."""
    run = _Run(values, current())
    run.spend(_EVALUATION + _STEP * _steps(tree))
    return _compiled(tree)(run)


@lru_cache(maxsize=2048)
def _steps(node: Node) -> int:
    """Nodes that are computed at most once, so without those of loops."""
    inner = (node.range, node.start, node.result) if isinstance(node, Comprehension) else children(node)
    return 1 + sum(map(_steps, inner))


@lru_cache(maxsize=512)
def _compiled(node: Node) -> _Code:
    return _code(node)


def _code(node: Node) -> _Code:
    match node:
        case Constant(value=value):
            return lambda _: value
        case Name(name=name):
            return partial(_named, SPELLED.get(name, name))
        case Select(operand=operand, key=key, tested=tested):
            return partial(_has if tested else _selected, _code(operand), key)
        case Build(parts=parts, mapping=mapping):
            return partial(_object if mapping else _list, [_code(part) for part in parts])
        case Comprehension():
            return _loop(node)
        case Call(function=function, arguments=arguments):
            return _call(function, arguments)


def _named(name: str, run: _Run) -> Any:
    value = run.names.get(name)
    if isinstance(value, ValueFailureError):  # what a loop has come to so far
        raise value
    return value


def _selected(operand: _Code, key: str, run: _Run) -> Any:
    value = operand(run)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueFailureError(f"{kind_of(value)} has no {key}")
    return value.get(key)


def _has(operand: _Code, key: str, run: _Run) -> bool:
    value = operand(run)
    return isinstance(value, Mapping) and key in value


def _list(parts: list[_Code], run: _Run) -> list[Any]:
    return [part(run) for part in parts]


def _object(parts: list[_Code], run: _Run) -> dict[str, Any]:
    made = [part(run) for part in parts]
    keys = made[::2]
    if not all(isinstance(key, str) for key in keys):
        raise ValueFailureError("names in {…} are texts")
    return dict(zip(keys, made[1::2], strict=True))


# loops


def _loop(node: Comprehension) -> _Code:
    steps = _STEP * (_steps(node.condition) + _steps(node.step)) + _ROUND
    over, start, condition, step, result = (
        _code(part) for part in (node.range, node.start, node.condition, node.step, node.result)
    )
    variable, accumulator = node.variables[0], node.accumulator

    def loop(run: _Run) -> Any:
        names, elements = run.names, _elements(over(run))
        outer = {name: names[name] for name in (variable, accumulator) if name in names}
        names[accumulator] = start(run)
        for one in elements:
            run.spend(steps)
            names[variable] = one
            if not condition(run):
                break
            names[accumulator] = _or_failure(step, run)
        names.pop(variable, None)
        names |= {variable: outer[variable]} if variable in outer else {}
        found = result(run)
        del names[accumulator]
        names |= outer
        return found

    return loop


def _elements(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    if not isinstance(value, list):
        raise ValueFailureError(f"{kind_of(value)} has no elements: map, filter, exists and all go through lists")
    return value


def _or_failure(code: _Code, run: _Run) -> Any:
    """A failure is kept: what comes later may decide without it."""
    try:
        return code(run)
    except ValueFailureError as failure:
        run.spend(_FAILURE)
        return failure


def _goes_on(inner: _Code, run: _Run) -> bool:
    """Unless it is false for certain."""
    return _or_failure(inner, run) is not False


# operators and functions


def _call(function: str, arguments: tuple[Node, ...]) -> _Code:
    codes = [_code(one) for one in arguments]
    match function:
        case "_&&_":
            return partial(_decided, False, "&& takes yes or no on both sides", codes[0], codes[1])
        case "_||_":
            return partial(_decided, True, "|| takes yes or no on both sides", codes[0], codes[1])
        case "_?_:_":
            return partial(_chosen, codes[0], codes[1], codes[2])
        case "@not_strictly_false":
            return partial(_goes_on, codes[0])
        case "_+_" if _is_accumulated(arguments[0]):
            return partial(_accumulated, codes[0], codes[1])
        case "_[_]":
            return partial(_applied_freely, OPERATORS[function], codes)
        case _ if function in OPERATORS:
            return partial(_applied, OPERATORS[function], codes)
    name = SPELLED.get(function, function)
    if name in FUNCTIONS:
        return partial(_applied_freely, FUNCTIONS[name].exact, codes)
    return partial(_applied, STANDARD[name].apply, codes)


def _decided(deciding: bool, words: str, left: _Code, right: _Code, run: _Run) -> bool:
    """`&&` is false as soon as one side is, `||` true, even where the other one cannot be computed."""
    try:
        first = yes_no(left(run), words)
    except ValueFailureError:
        if yes_no(right(run), words) is deciding:
            return deciding
        raise
    return first if first is deciding else yes_no(right(run), words)


def _chosen(condition: _Code, then: _Code, otherwise: _Code, run: _Run) -> Any:
    return then(run) if yes_no(condition(run), "? takes yes or no before it") else otherwise(run)


def _applied(apply: Callable[..., Any], codes: list[_Code], run: _Run) -> Any:
    given = [code(run) for code in codes]
    for one in given:
        if isinstance(one, str | list | dict):
            run.spend(weight(one, _CHARACTER, _VALUE))
    return apply(*given)


def _applied_freely(apply: Callable[..., Any], codes: list[_Code], run: _Run) -> Any:
    """What spends by itself, or looks at nothing that is in its arguments."""
    return apply(*[code(run) for code in codes])


def _is_accumulated(node: Node) -> bool:
    """CEL's name for what a loop makes; no author can write it."""
    return isinstance(node, Name) and node.name.startswith("@")


def _accumulated(made: _Code, more: _Code, run: _Run) -> Any:
    """Only this `map` or `filter` holds the list it adds to, so the list is not copied for each element."""
    value, added = made(run), more(run)
    if isinstance(value, list):
        value += added
        return value
    return OPERATORS["_+_"](value, added)
