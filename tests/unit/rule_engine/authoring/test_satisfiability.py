"""What is called impossible is so: no item of a small world meets such a condition."""

from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as some
from pydantic import TypeAdapter

from contracts.conditions import Condition, compile_condition
from rule_engine.domain.authoring.satisfiability import contradiction
from rule_engine.domain.language.conditions import issues
from rule_engine.domain.language.value_types import names
from support.shop import SCHEMA

NAMES = names("deal", SCHEMA, {})
COUNTS = (None, *(half / 2 for half in range(-4, 12)))
TITLES = (None, "", "a", "b", "ab")
WOODS = (None, "oak", "ash")
WORLD = [
    {"item": {"activity_count": count, "title": title, "fields": {"wood": wood}}}
    for count, title, wood in product(COUNTS, TITLES, WOODS)
]


def leaves(path: str, values: some.SearchStrategy[Any], *others: str) -> some.SearchStrategy[dict[str, Any]]:
    one = some.fixed_dictionaries(
        {"path": some.just(path), "op": some.sampled_from(("eq", "ne", *others)), "value": values}
    )
    several = some.fixed_dictionaries(
        {"path": some.just(path), "op": some.sampled_from(("in", "not_in")), "value": some.lists(values, max_size=3)}
    )
    bare = some.fixed_dictionaries({"path": some.just(path), "op": some.sampled_from(("empty", "filled"))})
    return one | several | bare


LEAVES = (
    leaves("item.activity_count", some.integers(0, 4), "lt", "le", "gt", "ge")
    | leaves("item.title", some.sampled_from(("a", "b", "ab")), "starts", "ends", "contains")
    | leaves("item.fields.wood", some.sampled_from(("oak", "ash")))
)
CONDITIONS = some.recursive(
    LEAVES,
    lambda inner: (
        some.fixed_dictionaries({"all": some.lists(inner, max_size=4)})
        | some.fixed_dictionaries({"any": some.lists(inner, max_size=4)})
        | some.fixed_dictionaries({"not": inner})
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(CONDITIONS)
def test_no_item_meets_a_condition_that_is_called_impossible(raw: Any) -> None:
    condition: Condition = TypeAdapter(Condition).validate_python(raw)
    compiled = compile_condition(condition)
    reason = contradiction(condition, NAMES, {})
    if reason is not None:
        assert not [values for values in WORLD if compiled(values).holds], reason


@settings(max_examples=300)
@given(some.lists(leaves("item.activity_count", some.integers(0, 4), "lt", "le", "gt", "ge"), min_size=1, max_size=4))
def test_numbers_that_no_number_fits_are_found(raw: list[Any]) -> None:
    condition: Condition = TypeAdapter(Condition).validate_python({"all": raw})
    compiled = compile_condition(condition)
    possible = any(compiled(values).holds for values in WORLD)
    assert (contradiction(condition, NAMES, {}) is None) is possible


FIRST_AND_LAST: dict[str, tuple[Any, ...]] = {
    "date": ("0001-01-01", "9999-12-31"),
    "datetime": ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"),
    "number": (0, -(2**63), 2**63 - 1, 1.7e308, -1.7e308, 5e-324),
    "money": tuple({"amount": amount, "currency": "EUR"} for amount in (0, -(2**63), 2**63 - 1)),
}
SCALES = {
    "date": "item.fields.delivery_on",
    "datetime": "item.created_at",
    "number": "item.activity_count",
    "money": "item.amount",
}


def extremes(kind: str) -> some.SearchStrategy[dict[str, Any]]:
    path, values = SCALES[kind], some.sampled_from(FIRST_AND_LAST[kind])
    between = some.fixed_dictionaries(
        {"path": some.just(path), "op": some.just("between"), "value": some.lists(values, min_size=2, max_size=2)}
    )
    return leaves(path, values, "lt", "le", "gt", "ge") | between


@settings(max_examples=300)
@given(some.lists(some.one_of(*(extremes(kind) for kind in SCALES)), min_size=1, max_size=3), some.booleans())
def test_the_first_and_the_last_of_all_values_can_be_asked_for(raw: list[Any], every: bool) -> None:
    condition: Condition = TypeAdapter(Condition).validate_python({"all" if every else "any": raw})
    assume(not list(issues(condition, NAMES, "condition")))
    contradiction(condition, NAMES, {})
