"""Conditions on texts, lists, clocks and calendars, against other paths, over lists, and by expression."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.budget import BudgetError
from contracts.conditions import (
    Condition,
    ConditionError,
    Values,
    compile_condition,
    described,
    expressions_of,
    leaves_of,
    paths,
)

ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
EUR, USD = {"amount": 10000, "currency": "EUR"}, {"amount": 10000, "currency": "USD"}
ROWS = [
    {"name": "Oak table", "quantity": 2, "price": {"amount": 50000, "currency": "EUR"}},
    {"name": "Chair", "quantity": "4.5", "price": {"amount": 9900, "currency": "EUR"}},
]
VALUES: dict[str, Any] = {
    "now": "2026-03-02T23:30:00Z",  # already Tuesday the 3rd in Berlin
    "tenant": {"time_zone": "Europe/Berlin"},
    "limit": 5,
    "item": {
        "title": "An Oak Table",
        "seats": 8,
        "tags": ["new", "large"],
        "amount": EUR,
        "budget": USD,
        "paid": EUR,
        "delivery": "2026-03-03",
        "created_at": "2026-03-02T22:59:59Z",
        "called_at": "2026-03-02T23:00:00Z",
        "opens": "23:15",
        "nothing": None,
        "products": ROWS,
        "no_products": [],
    },
}


def judge(condition: Any, values: Values = VALUES) -> Any:
    return compile_condition(ADAPTER.validate_python(condition))(values)


def leaf(path: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"path": f"item.{path}", "op": op} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("path", "op", "value", "holds"),
    [
        ("title", "matches", "Oak|Pine", True),
        ("title", "matches", "^Oak", False),
        ("title", "matches", "(?i)^an oak", True),
        ("nothing", "matches", ".*", False),
        ("tags", "contains_any", ["old", "new"], True),
        ("tags", "contains_any", ["old"], False),
        ("tags", "contains_all", ["large", "new"], True),
        ("tags", "contains_all", ["large", "old"], False),
        ("tags", "contains_none", ["old"], True),
        ("tags", "contains_none", ["old", "new"], False),
        ("nothing", "contains_any", ["new"], False),
        ("nothing", "contains_all", [], True),
        ("nothing", "contains_none", ["new"], True),
        ("title", "contains_any", ["pine", "OAK"], True),
        ("opens", "between", ["22:00", "06:00"], True),
        ("opens", "between", ["06:00", "22:00"], False),
        ("opens", "between", ["23:15", "23:15"], True),
        ("called_at", "between", ["22:00", "06:00"], True),  # 00:00 in Berlin
        ("called_at", "between", ["00:00", "00:00"], True),
        ("created_at", "between", ["22:00", "23:59"], True),  # 23:59:59 is within the minute 23:59
        ("nothing", "between", ["22:00", "06:00"], False),
        ("opens", "gt", "23:00", True),
    ],
)
def test_texts_lists_and_clock_times(path: str, op: str, value: Any, holds: bool) -> None:
    assert judge(leaf(path, op, value)).holds is holds


@pytest.mark.parametrize(
    ("path", "op", "value", "holds"),
    [
        ("delivery", "eq", {"relative": "today"}, True),
        ("delivery", "eq", {"relative": "today", "days": 1}, False),
        ("delivery", "lt", {"relative": "today", "days": 1}, True),
        ("created_at", "eq", {"relative": "today", "days": -1}, True),
        ("called_at", "eq", {"relative": "today"}, True),
        ("called_at", "ge", {"relative": "today"}, True),
        ("created_at", "lt", {"relative": "today"}, True),
        ("called_at", "ge", {"relative": "now", "minutes": -30}, True),
        ("called_at", "gt", {"relative": "now", "minutes": -30}, False),
        ("called_at", "gt", {"relative": "now", "hours": -1}, True),
        ("delivery", "between", [{"relative": "today", "days": -7}, {"relative": "today"}], True),
        ("delivery", "in", [{"relative": "today"}, "2026-12-24"], True),
        ("delivery", "gt", {"relative": "today", "months": -1, "days": 1}, True),
        ("nothing", "lt", {"relative": "today"}, False),
        ("delivery", "during", {"period": "today"}, True),
        ("created_at", "during", {"period": "today"}, False),
        ("created_at", "during", {"period": "yesterday"}, True),
        ("delivery", "during", {"period": "this_week"}, True),
        ("delivery", "during", {"period": "last_week"}, False),
        ("delivery", "during", {"period": "this_month"}, True),
        ("delivery", "during", {"period": "last_month"}, False),
        ("delivery", "during", {"period": "this_quarter"}, True),
        ("delivery", "during", {"period": "next_year"}, False),
        ("delivery", "during", {"period": "last", "days": 1}, True),
        ("created_at", "during", {"period": "last", "days": 1}, False),
        ("created_at", "during", {"period": "last", "days": 2}, True),
        ("delivery", "during", {"period": "next", "days": 30}, True),
        ("nothing", "during", {"period": "today"}, False),
    ],
)
def test_relative_dates_count_from_the_companys_day(path: str, op: str, value: Any, holds: bool) -> None:
    assert judge(leaf(path, op, value)).holds is holds


@pytest.mark.parametrize(
    ("today", "relative", "day"),
    [
        ("2026-03-31", {"months": -1}, "2026-02-28"),
        ("2024-02-29", {"years": 1}, "2025-02-28"),
        ("2024-02-29", {"years": -4}, "2020-02-29"),
        ("2026-12-31", {"months": 2, "days": 1}, "2027-03-01"),
        ("2026-01-01", {"weeks": -1}, "2025-12-25"),
    ],
)
def test_months_end_where_they_end(today: str, relative: dict[str, int], day: str) -> None:
    values = {"now": f"{today}T12:00:00Z", "tenant": {"time_zone": "UTC"}, "item": {"day": day}}
    assert judge(leaf("day", "eq", {"relative": "today"} | relative), values).holds


@pytest.mark.parametrize(
    ("today", "period", "first", "last"),
    [
        ("2026-03-01", "this_week", "2026-02-23", "2026-03-01"),
        ("2026-03-02", "next_week", "2026-03-09", "2026-03-15"),
        ("2024-02-10", "this_month", "2024-02-01", "2024-02-29"),
        ("2026-01-15", "last_month", "2025-12-01", "2025-12-31"),
        ("2026-02-15", "last_quarter", "2025-10-01", "2025-12-31"),
        ("2026-05-31", "this_quarter", "2026-04-01", "2026-06-30"),
        ("2026-05-31", "last_year", "2025-01-01", "2025-12-31"),
    ],
)
def test_a_period_has_its_first_and_its_last_day(today: str, period: str, first: str, last: str) -> None:
    values = {"now": f"{today}T12:00:00Z", "tenant": {"time_zone": "UTC"}, "item": {"first": first, "last": last}}
    for day in ("first", "last"):
        assert judge(leaf(day, "during", {"period": period}), values).holds
    words = judge({"not": leaf("first", "during", {"period": period})}, values).why_not()
    assert words == f"item.first is within {period.replace('_', ' ')} ({first} to {last}) is true"


@pytest.mark.parametrize(
    ("path", "op", "value", "holds"),
    [
        ("seats", "gt", {"path": "limit"}, True),
        ("amount", "eq", {"path": "item.paid"}, True),
        ("paid", "ge", {"path": "item.nothing"}, False),
        ("seats", "in", [{"path": "limit"}, 8], True),
        ("seats", "between", [{"path": "limit"}, 9], True),
    ],
)
def test_two_paths_compare(path: str, op: str, value: Any, holds: bool) -> None:
    assert judge(leaf(path, op, value)).holds is holds


def test_money_of_two_currencies_does_not_compare_by_path_either() -> None:
    with pytest.raises(ConditionError, match=r"item\.amount < …: EUR does not compare with USD"):
        judge(leaf("amount", "lt", {"path": "item.budget"}))


MANY = {"path": "each.quantity", "op": "gt", "value": 3}
DEAR = {"path": "each.price", "op": "gt", "value": EUR}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"some": "item.products", "where": MANY}, True),
        ({"every": "item.products", "where": MANY}, False),
        ({"none": "item.products", "where": MANY}, False),
        ({"some": "item.products", "where": {"all": [MANY, DEAR]}}, False),
        ({"every": "item.products", "where": {"any": [MANY, DEAR]}}, True),
        ({"none": "item.products", "where": {"all": [MANY, DEAR]}}, True),
        ({"some": "item.no_products", "where": MANY}, False),
        ({"every": "item.no_products", "where": MANY}, True),
        ({"none": "item.nothing", "where": MANY}, True),
        ({"some": "item.tags", "where": {"path": "each", "op": "eq", "value": "new"}}, True),
        ({"some": "item.products", "where": {"path": "each.quantity", "op": "lt", "value": {"path": "limit"}}}, True),
        ({"not": {"some": "item.products", "where": MANY}}, False),
    ],
)
def test_conditions_ask_about_the_elements_of_a_list(condition: Any, holds: bool) -> None:
    assert judge(condition).holds is holds


def test_what_is_no_list_has_no_elements_to_ask_about() -> None:
    with pytest.raises(ConditionError, match=r"item\.title is not a list"):
        judge({"some": "item.title", "where": MANY})


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            leaf("delivery", "lt", {"relative": "today", "days": -3}),
            "item.delivery < 3 days ago (2026-02-28) is false: it is 2026-03-03",
        ),
        (
            leaf("delivery", "gt", {"relative": "today", "months": 1}),
            "item.delivery > 1 month after today (2026-04-03) is false: it is 2026-03-03",
        ),
        (leaf("seats", "lt", {"path": "limit"}), "item.seats < limit (5) is false: it is 8"),
        (leaf("seats", "gt", {"path": "item.nothing"}), "item.seats > item.nothing (empty) is false: it is 8"),
        (leaf("amount", "gt", EUR), "item.amount > 100.00 EUR is false: it is 100.00 EUR"),
        (leaf("title", "matches", "^x"), "item.title matches ^x is false: it is An Oak Table"),
        (
            leaf("tags", "contains_none", ["new"]),
            "item.tags contains none of ['new'] is false: it is ['new', 'large']",
        ),
        (
            leaf("created_at", "during", {"period": "today"}),
            "item.created_at is within today (2026-03-03) is false: it is 2026-03-02T22:59:59Z",
        ),
        (
            leaf("created_at", "during", {"period": "next", "days": 7}),
            "item.created_at is within the next 7 days (2026-03-03 to 2026-03-09) is false: it is 2026-03-02T22:59:59Z",
        ),
        (
            {"every": "item.products", "where": {"any": [MANY, {"not": DEAR}]}},
            "item.products has only such that (each.quantity > 3 or not each.price > 100.00 EUR) is false: 1 of 2",
        ),
        (
            leaf("opens", "between", ["06:00", "22:00"]),
            "item.opens is between ['06:00', '22:00'] is false: it is 23:15",
        ),
    ],
)
def test_every_kind_of_leaf_explains_itself_in_words(condition: Any, words: str) -> None:
    assert judge(condition).why_not() == words


def test_a_long_text_is_quoted_in_part() -> None:
    words = judge(leaf("title", "eq", "x"), {"item": {"title": "y" * 1000}}).why_not()
    assert words == f"item.title = x is false: it is {'y' * 199}…"


@pytest.mark.parametrize(
    "condition",
    [
        leaf("title", "matches"),
        leaf("title", "matches", 5),
        leaf("title", "matches", "("),
        leaf("title", "matches", r"(a)\1"),
        leaf("title", "matches", "a" * 501),
        leaf("title", "matches", "(a{1000}){1000}"),
        leaf("tags", "contains_any", "new"),
        leaf("delivery", "during", {"period": "this_fortnight"}),
        leaf("delivery", "during", {"period": "last"}),
        leaf("delivery", "during", {"period": "today", "days": 3}),
        leaf("delivery", "during", "today"),
        leaf("delivery", "during", [{"period": "today"}]),
        leaf("delivery", "eq", {"period": "today"}),
        leaf("delivery", "eq", {"relative": "yesterday"}),
        leaf("delivery", "eq", {"relative": "today", "hours": 3}),
        leaf("delivery", "eq", {"relative": "now", "months": 3}),
        leaf("delivery", "eq", {"relative": "today", "days": 10**9}),
        leaf("delivery", "eq", {"path": "no path"}),
        {"some": "item.products"},
        {"some": "item.products", "every": "item.products", "where": MANY},
        {"expr": ""},
        {"expr": "x" * 2001},
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_written(condition: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(condition)


@pytest.mark.timeout(10)
def test_a_hostile_pattern_takes_time_linear_in_the_text_and_is_not_begun_when_that_is_too_much() -> None:
    hostile = leaf("title", "matches", "^(a+)+(a|aa)+(.*a){20}$b")
    assert not judge(hostile, {"item": {"title": "a" * 10_000}}).holds
    with pytest.raises(BudgetError, match="takes too much work"):
        judge(hostile, {"item": {"title": "a" * 300_000}})


def test_a_moment_without_now_cannot_be_relative() -> None:
    with pytest.raises(ConditionError, match=r"item\.day = …: now is not known here"):
        judge(leaf("day", "eq", {"relative": "today"}), {"item": {"day": "2026-01-01"}})


def test_paths_are_those_of_operands_lists_and_elements_that_are_not_each() -> None:
    condition = ADAPTER.validate_python(
        {
            "all": [
                leaf("seats", "in", [{"path": "limit"}, 8]),
                {"some": "products", "where": {"all": [MANY, {"path": "company.title", "op": "filled"}]}},
                {"expr": "item.seats > 3"},
            ]
        }
    )
    assert paths(condition) == {"item.seats", "limit", "products", "company.title"}
    assert [one.path for one in leaves_of(condition)] == ["item.seats", "each.quantity", "company.title"]
    assert list(expressions_of(condition)) == ["item.seats > 3"]
    assert described(condition) == (
        "item.seats is one of [limit, 8] and products has some where "
        "(each.quantity > 3 and company.title is filled) and item.seats > 3"
    )


def test_an_expression_is_judged_by_whoever_has_expressions() -> None:
    def enough(source: str) -> Callable[[Values], Any]:
        assert source == "item.seats > limit"
        return lambda values: values["item"]["seats"] > values["limit"]

    condition = ADAPTER.validate_python({"not": {"expr": "item.seats > limit"}})
    verdict = compile_condition(condition, enough)(VALUES)
    assert verdict.why_not() == "item.seats > limit is true"
    with pytest.raises(ConditionError, match="expressions cannot be used here"):
        compile_condition(condition)
    with pytest.raises(ConditionError, match="gives a number, not yes or no"):
        compile_condition(condition, lambda _: lambda values: values["item"]["seats"])(VALUES)


@pytest.mark.parametrize(
    "written",
    [
        leaf("delivery", "eq", {"relative": "today", "days": -3}),
        {"none": "products", "where": {"some": "each.tags", "where": leaf("seats", "gt", 3)}},
        {"expr": "true"},
    ],
)
def test_a_condition_is_written_as_it_was_read(written: Any) -> None:
    assert ADAPTER.dump_python(ADAPTER.validate_python(written), mode="json", by_alias=True) == written
