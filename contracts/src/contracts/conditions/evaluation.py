"""How conditions are evaluated: compiled once to closures, explained leaf by leaf."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any

from contracts.budget import Budget, current, spending
from contracts.conditions.comparison import ConditionError, Values, kind_of, now_of, today_of
from contracts.conditions.costs import members_work
from contracts.conditions.model import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_QUANTIFIERS,
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
)
from contracts.conditions.operands import PathOperand, Period, Relative, operand, operands
from contracts.conditions.operators import OPERATORS
from contracts.conditions.patterns import compile_pattern
from contracts.conditions.verdicts import FEW, SMALL, LeafVerdict, Verdict, cut, few, kept

type CompiledExpression = Callable[[Values], Any]
"""What an expression gives for values. Raises `ConditionError` when it gives nothing."""

# units of `contracts.budget`
_NODE, _STEP, _LEAF, _ELEMENT = 2_500, 100, 600, 100
"""A node compiled; a node judged, more for a leaf; an element of a list that a question is about."""

type Compiled = Callable[[Values], Verdict]
type _Leaves = tuple[LeafVerdict, ...]
type _Judge = Callable[[Values, "_Trial"], tuple[bool, _Leaves]]
"""Judges one node: whether it holds, and the leaves that decided it. Adds every leaf it saw to the trial's."""
type _Expressions = Callable[[str], CompiledExpression]


class _Trial:
    """One evaluation: the leaves seen so far, and the budget that it spends of."""

    __slots__ = ("budget", "leaves")

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.leaves: list[LeafVerdict] = []

    def spend(self, units: int) -> None:
        self.budget.spend(units, "conditions")


def compile_condition(condition: Condition, expressions: _Expressions | None = None) -> Compiled:
    """A function from values to a verdict. Every leaf is judged, so that the whole is explained.

    `expressions` compiles what `{"expr": …}` holds. Raises `ConditionError` for a condition that can never be judged;
    the function raises it for values that do not compare. Both spend of the budget under way, and raise `BudgetError`.
    """
    with spending(current()) as budget:
        judge_node = _Compiler(expressions, budget).node(condition, 0, 0)

    def judge(values: Values) -> Verdict:
        trial = _Trial(current())
        holds, decisive = judge_node(values, trial)
        return Verdict(holds, tuple(trial.leaves), decisive)

    return judge


class _Compiler:
    def __init__(self, expressions: _Expressions | None, budget: Budget) -> None:
        self._expressions = expressions
        self._budget = budget
        self._nodes = 0

    def node(self, condition: Condition, depth: int, questions: int) -> _Judge:
        """`questions`: how many `some`, `every`, `none` it is in."""
        self._count(depth, questions)
        match condition:
            case Leaf():
                return self._leaf(condition)
            case All(all=parts):
                return _group([self.node(part, depth + 1, questions) for part in parts], decided_by=False)
            case Any_(any=parts):
                return _group([self.node(part, depth + 1, questions) for part in parts], decided_by=True)
            case Not(not_=part):
                return _negated(self.node(part, depth + 1, questions))
            case Some() | Every() | NoneOf():
                return _quantifier(condition, self.node(condition.where, depth + 1, questions + 1))
            case Expr(expr=source):
                return self._expression(source)

    def _count(self, depth: int, questions: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise ConditionError(f"conditions are nested deeper than {MAX_DEPTH}")
        if questions > MAX_QUANTIFIERS:
            raise ConditionError(f"some, every and none are nested at most {MAX_QUANTIFIERS} deep")
        if self._nodes > MAX_NODES:
            raise ConditionError(f"a condition has at most {MAX_NODES} parts: split it over several rules")
        self._budget.spend(_NODE, "conditions")

    def _leaf(self, leaf: Leaf) -> _Judge:
        values = leaf.value if isinstance(leaf.value, list) else [leaf.value]
        self._budget.spend(members_work(values), "conditions")
        if leaf.op == "matches":
            self._budget.spend(compile_pattern(str(leaf.value)).work, "conditions")
        return _leaf(leaf)

    def _expression(self, source: str) -> _Judge:
        if self._expressions is None:
            raise ConditionError("expressions cannot be used here")
        evaluate = self._expressions(source)

        def judge(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
            with spending(trial.budget):
                found = evaluate(values)
            if not isinstance(found, bool):
                raise ConditionError(f"{cut(source)}: gives {kind_of(found)}, not yes or no")
            return _seen(LeafVerdict(source, "expr", True, found, found), trial)

        return judge


def _seen(verdict: LeafVerdict, trial: _Trial) -> tuple[bool, _Leaves]:
    trial.leaves.append(verdict)
    return verdict.holds, (verdict,)


def _group(judges: list[_Judge], *, decided_by: bool) -> _Judge:
    """`all` is decided by a part that is false, `any` by one that is true; without such a part by all of them."""

    def judge(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
        trial.spend(_STEP + _STEP * len(judges))
        found = [part(values, trial) for part in judges]
        deciding = [decisive for holds, decisive in found if holds is decided_by]
        if deciding:
            return decided_by, tuple(chain.from_iterable(deciding))
        return not decided_by, tuple(chain.from_iterable(decisive for _, decisive in found))

    return judge


def _negated(judge: _Judge) -> _Judge:
    def negated(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
        trial.spend(_STEP)
        holds, decisive = judge(values, trial)
        return not holds, decisive

    return negated


def _quantifier(node: Quantifier, where: _Judge) -> _Judge:
    which, path = quantified(node)
    keys, said = path.split("."), cut(enclosed(node.where))

    def judge(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
        elements = look_up(values, keys) or []
        if not isinstance(elements, list):
            raise ConditionError(f"{path} is not a list")
        trial.spend(_LEAF + _ELEMENT * len(elements))
        inner, here = {**values}, _Trial(trial.budget)
        fitting = 0
        for one in elements:
            inner["each"] = one
            fitting += where(inner, here)[0]
            here.leaves.clear()
        holds = {"some": fitting > 0, "every": fitting == len(elements), "none": fitting == 0}[which]
        return _seen(LeafVerdict(path, which, said, f"{fitting} of {len(elements)}", holds), trial)

    return judge


def _leaf(leaf: Leaf) -> _Judge:
    return _made_leaf(leaf) if operands(leaf.value) else _constant_leaf(leaf)


def _constant_leaf(leaf: Leaf) -> _Judge:
    path, op, keys, operator = leaf.path, leaf.op, leaf.path.split("."), OPERATORS[leaf.op]
    test, quoted, expected = operator.test, kept(leaf.value), operator.prepare(leaf.value)
    work, work_on = operator.work(leaf.value)
    work += _LEAF

    def judge(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
        seen = look_up(values, keys)
        trial.budget.spend(work + work_on(seen), "conditions")
        try:
            holds = test(seen, expected, values)
        except ConditionError as error:
            raise _at(leaf, error) from error
        verdict = LeafVerdict(path, op, quoted, seen if type(seen) in SMALL else kept(seen), holds)
        trial.leaves.append(verdict)
        return holds, (verdict,)

    return judge


def _made_leaf(leaf: Leaf) -> _Judge:
    """What it compares with is made when it is judged."""
    path, op, keys, operator = leaf.path, leaf.op, leaf.path.split("."), OPERATORS[leaf.op]
    make = _list_maker(leaf.value) if isinstance(leaf.value, list) else _maker(leaf.value)
    made = _LEAF * (len(leaf.value) if isinstance(leaf.value, list) else 1)

    def judge(values: Values, trial: _Trial) -> tuple[bool, _Leaves]:
        seen = look_up(values, keys)
        trial.spend(_LEAF + made)
        try:
            expected, said = make(values)
            work, work_on = operator.work(expected)
            trial.spend(work + work_on(seen) + operator.preparing(expected))
            holds = operator.test(seen, operator.prepare(expected), values)
        except ConditionError as error:
            raise _at(leaf, error) from error
        return _seen(LeafVerdict(path, op, said, kept(seen), holds), trial)

    return judge


type _Make = Callable[[Values], tuple[Any, Any]]
"""Makes what to compare with, and its form for an explanation."""


def _list_maker(written: list[Any]) -> _Make:
    makers = [_maker(one) for one in written]

    def make(values: Values) -> tuple[Any, Any]:
        made = [make(values) for make in makers]
        return [one for one, _ in made], few([said for _, said in made[:FEW]], len(made))

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
            quoted = kept(written)
            return lambda _: (written, quoted)


def _found(path: str, value: Any) -> tuple[Any, Any]:
    return value, {"path": path, "value": kept(value)}


def _remembering(counted: Relative | Period, start: Callable[[Values], date]) -> _Make:
    """The result is the same all day, or for everything that is evaluated at one moment."""
    words = counted.words()

    @lru_cache(maxsize=8)
    def counted_from(start: date) -> tuple[Any, Any]:
        found = counted.resolve(start)
        return found, {"said": words, "value": found if isinstance(found, str) else _days(*found)}

    return lambda values: counted_from(start(values))


def _days(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"


def _at(leaf: Leaf, error: ConditionError) -> ConditionError:
    return ConditionError(f"{leaf.path} {WORDS[leaf.op]} …: {error}")


def look_up(values: Values, keys: list[str]) -> Any:
    """The value at a path; null when any step of it is absent."""
    value: Any = values
    for key in keys:
        if type(value) is not dict and not isinstance(value, Mapping):  # the first test is the faster one
            return None
        value = value.get(key)
    return value
