"""What can be known from a recorded decision, and what conditions come to with it."""

from typing import Any

import pytest

from contracts.conditions import All, Any_, Condition, Expr, Leaf, Not
from rule_engine.domain.replay.deciding import condition_of
from rule_engine.domain.replay.recorded import KnownValues
from support.runs import T0

SHOP = {"time_zone": "Europe/Rome", "language": "it"}
AMOUNT = Leaf(path="item.amount.amount", op="gt", value=100)
SOURCE = Leaf(path="item.source", op="eq", value="fair")


def negated(condition: Condition) -> Not:
    return Not.model_validate({"not": condition})


def known(snapshot: dict[str, Any] | None = None, /, **seen: Any) -> KnownValues:
    return KnownValues(T0, SHOP, {path.replace("__", "."): value for path, value in seen.items()}, snapshot)


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("item.title", False),
        ("item", True),
        ("item.source", True),
        ("company.name", False),
        ("products", False),
        ("products.first.name", False),
        ("steps.bill.number", True),
        ("now", False),
        ("today", False),
    ],
)
def test_a_path_is_known_when_it_or_something_around_it_was_recorded(path: str, unknown: bool) -> None:
    """`company` is null, so its name is empty; `products` is there as a whole."""
    values = known(item__title="Oak", company=None, products=[{"name": "Chair"}])
    assert values.unknown([path]) == ([path] if unknown else [])


def test_what_was_too_large_to_be_kept_and_what_lies_in_a_list_was_not_recorded() -> None:
    values = known(item__fields__story={"not_kept": "20000 bytes"}, **{"products.size": None})
    assert values.unknown(["item.fields.story", "products.size"]) == ["item.fields.story", "products.size"]


def test_a_rule_that_was_due_on_entry_saw_the_whole_item_and_empty_fields_are_absent() -> None:
    values = known({"title": "Oak", "fields": {}}, item__fields__wish=None)
    assert values.unknown(["item.fields.anything"]) == []
    seen = known(item__fields__wish=None).values()
    assert (seen["item"], seen["today"]) == ({"fields": {}}, "2026-03-02")


@pytest.mark.parametrize(
    ("condition", "holds", "unknown"),
    [
        (All(all=(AMOUNT, SOURCE)), False, set()),
        (Any_(any=(AMOUNT, SOURCE)), None, {"item.source"}),
        (Any_(any=(negated(AMOUNT), SOURCE)), True, set()),
        (negated(All(all=(AMOUNT, SOURCE))), True, set()),
        (Expr(expr="item.amount.amount > 10 && item.source == 'fair'"), None, {"item.source"}),
        (Leaf(path="now", op="gt", value="2026-03-02T08:00:00Z"), True, set()),
    ],
)
def test_a_part_that_is_known_may_decide_the_whole(condition: Condition, holds: bool | None, unknown: set[str]) -> None:
    found = condition_of(condition, known(item__amount__amount=50))
    assert (found.holds, set(found.unknown)) == (holds, unknown)


def test_what_decided_it_is_told() -> None:
    found = condition_of(All(all=(AMOUNT, SOURCE)), known(item__amount__amount=50))
    assert found.why_not == "item.amount.amount > 100 is false: it is 50"
