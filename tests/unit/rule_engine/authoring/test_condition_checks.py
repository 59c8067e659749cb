"""What is wrong with a condition, before its rule set is published."""

from typing import Any

import pytest

from contracts.conditions import MAX_DEPTH
from support.checking import conditioned, issues, only


@pytest.mark.parametrize(
    ("leaf", "where", "what"),
    [
        ({"path": "item.titel", "op": "filled"}, ".path", "there is no name 'titel' in item: did you mean 'title'?"),
        ({"path": "contacts.0.name", "op": "filled"}, ".path", "contacts is a list: there is no '0' in it"),
        ({"path": "item.activity_count", "op": "contains", "value": 1}, "", "'contains' (contains) does not fit"),
        (
            {"path": "item.activity_count", "op": "eq", "value": "none"},
            "",
            "item.activity_count is a number: 'none' does not compare with it",
        ),
        ({"path": "item.activity_count", "op": "eq", "value": True}, "", "does not compare"),
        ({"path": "item.amount", "op": "gt", "value": 100}, "", "item.amount is money: 100 does not compare with it"),
        ({"path": "item.created_at", "op": "lt", "value": "2026-01-01T00:00:00"}, "", "does not compare"),
        (
            {"path": "item.fields.delivery_on", "op": "between", "value": ["2026-01-01", "soon"]},
            "",
            "'soon' does not compare",
        ),
        (
            {"path": "item.fields.wood", "op": "eq", "value": "pine"},
            "",
            "item.fields.wood is one of oak, ash, never 'pine'",
        ),
        (
            {"path": "item.responsible_id", "op": "eq", "value": "{{ responsible.id }}"},
            "",
            "a condition compares with {{ responsible.id }} as it stands",
        ),
        (
            {"path": "item.created_at", "op": "between", "value": ["22:00", "2026-01-01"]},
            "",
            "a time of day and another value make no range",
        ),
        ({"path": "contact", "op": "eq", "value": "Ada"}, "", "contact is an object"),
        (
            {"some": "planned_activities", "where": {"path": "each.kind", "op": "eq", "value": "visit"}},
            ".where",
            "each.kind is one of activity, call, meeting, never 'visit'",
        ),
        ({"path": "steps.later.x", "op": "filled"}, ".path", "there is no name 'later' in steps"),
    ],
)
def test_a_condition_compares_known_things_of_the_same_kind(leaf: dict[str, Any], where: str, what: str) -> None:
    place, _, said = only(conditioned({"any": [{"not": leaf}, {"path": "item.title", "op": "filled"}]}))
    assert place == f"stages.new.rules[0].condition.any[0].not{where}"
    assert what in said


@pytest.mark.parametrize(
    "leaf",
    [
        {"path": "item.activity_count", "op": "eq", "value": 0},
        {"path": "item.amount", "op": "ge", "value": {"amount": 100, "currency": "EUR"}},
        {"path": "item.amount.amount", "op": "gt", "value": 100},
        {"path": "item.fields.wood", "op": "in", "value": ["oak", "ash"]},
        {"path": "item.fields.colours", "op": "contains", "value": "red"},
        {"path": "item.fields.delivery_on", "op": "lt", "value": "2026-01-01"},
        {"path": "item.created_at", "op": "gt", "value": "2026-01-01T00:00:00Z"},
        {"path": "company", "op": "empty"},
        {"path": "company.title", "op": "eq", "value": None},
        {"path": "products", "op": "filled"},
        {"some": "planned_activities", "where": {"path": "each.deadline", "op": "lt", "value": {"path": "now"}}},
        {"path": "contact.opted_out", "op": "eq", "value": False},
    ],
)
def test_a_condition_that_fits_is_no_issue(leaf: dict[str, Any]) -> None:
    assert issues(conditioned(leaf)) == []


def test_a_condition_nested_too_deeply_is_a_issue() -> None:
    condition: dict[str, Any] = {"path": "item.title", "op": "filled"}
    for _ in range(MAX_DEPTH + 1):
        condition = {"not": condition}
    assert "nested deeper than 20" in only(conditioned(condition))[2]
