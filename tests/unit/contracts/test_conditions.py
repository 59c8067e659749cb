"""Conditions: what every operator says of every kind of value, and how a verdict explains itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.conditions import MAX_DEPTH, Condition, ConditionError, Leaf, compile_condition, leaves_of, paths

ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
VALUES: dict[str, Any] = {
    "item": {
        "title": "An Oak Table",
        "amount": {"amount": 129900, "currency": "EUR"},
        "seats": 8,
        "price": 9.5,
        "gift": False,
        "tags": ["new", "large"],
        "nothing": None,
        "blank": "",
        "weight": "2.000",
        "none": [],
        "delivery": "2026-04-01",
        "due": "2026-03-02T12:00:00Z",
        "fields": {"wood-type": "oak"},
    }
}


def judge(condition: Any, values: dict[str, Any] = VALUES) -> Any:
    return compile_condition(ADAPTER.validate_python(condition))(values)


def leaf(path: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"path": f"item.{path}", "op": op} | ({} if value is None else {"value": value})


EUR, USD = {"amount": 129900, "currency": "EUR"}, {"amount": 129900, "currency": "USD"}
MORE = {"amount": 130000, "currency": "EUR"}


@pytest.mark.parametrize(
    ("path", "op", "value", "holds"),
    [
        ("seats", "eq", 8, True),
        ("seats", "eq", 8.0, True),
        ("seats", "eq", "8", False),
        ("weight", "eq", 2, True),
        ("weight", "in", [1, 2.0], True),
        ("weight", "eq", 3, False),
        ("title", "eq", 3, False),
        ("seats", "ne", 7, True),
        ("gift", "eq", False, True),
        ("gift", "eq", 0, False),
        ("seats", "eq", True, False),
        ("title", "eq", "An Oak Table", True),
        ("title", "eq", "an oak table", False),
        ("amount", "eq", EUR, True),
        ("amount", "eq", USD, False),
        ("nothing", "eq", None, True),
        ("missing", "eq", None, True),
        ("missing.deeper", "eq", 5, False),
        ("title.deeper", "eq", None, True),
        ("tags", "eq", ["new", "large"], True),
        ("due", "eq", "2026-03-02T13:00:00+01:00", True),
        ("seats", "lt", 9, True),
        ("seats", "lt", 8, False),
        ("seats", "le", 8, True),
        ("seats", "gt", 7.5, True),
        ("price", "ge", 9.5, True),
        ("amount", "lt", MORE, True),
        ("amount", "ge", EUR, True),
        ("nothing", "lt", 9, False),
        ("nothing", "ge", 9, False),
        ("delivery", "gt", "2026-03-31", True),
        ("due", "gt", "2026-03-02T13:59:00+02:00", True),
        ("due", "le", "2026-03-02T14:00:00+02:00", True),
        ("seats", "between", [8, 10], True),
        ("seats", "between", [9, 10], False),
        ("delivery", "between", ["2026-04-01", "2026-04-30"], True),
        ("nothing", "between", [1, 2], False),
        ("title", "in", ["x", "An Oak Table"], True),
        ("title", "in", [], False),
        ("title", "not_in", ["x"], True),
        ("nothing", "in", [None], True),
        ("amount", "in", [USD, EUR], True),
        ("title", "contains", "oak", True),
        ("title", "contains", "pine", False),
        ("tags", "contains", "large", True),
        ("tags", "contains", "lar", False),
        ("nothing", "contains", "x", False),
        ("title", "starts", "an oak", True),
        ("title", "ends", "TABLE", True),
        ("nothing", "starts", "x", False),
        ("nothing", "empty", None, True),
        ("missing", "empty", None, True),
        ("blank", "empty", None, True),
        ("none", "empty", None, True),
        ("gift", "empty", None, False),
        ("title", "filled", None, True),
        ("nothing", "filled", None, False),
        ("fields.wood-type", "eq", "oak", True),
    ],
)
def test_an_operator(path: str, op: str, value: Any, holds: bool) -> None:
    assert judge(leaf(path, op, value)).holds is holds


@pytest.mark.parametrize(
    ("path", "op", "value", "complaint"),
    [
        ("amount", "lt", USD, r"item\.amount < …: EUR does not compare with USD"),
        ("amount", "gt", 5, r"item\.amount > …: money does not compare with a number"),
        ("seats", "gt", "7", r"item\.seats > …: a number does not compare with text"),
        ("gift", "lt", 5, r"item\.gift < …: yes/no does not compare with a number"),
        ("tags", "ge", 5, r"item\.tags ≥ …: a list does not compare with a number"),
        ("title", "between", [1, 2], r"item\.title is between …: text does not compare with a number"),
    ],
)
def test_values_that_do_not_compare_are_named_by_their_kinds(path: str, op: str, value: Any, complaint: str) -> None:
    with pytest.raises(ConditionError, match=complaint):
        judge(leaf(path, op, value))


@pytest.mark.parametrize(
    "condition",
    [
        leaf("seats", "is", 5),
        leaf("seats", "empty", 5),
        leaf("seats", "in", 5),
        leaf("seats", "between", 5),
        leaf("seats", "between", [1]),
        leaf("seats", "between", [1, None]),
        leaf("seats", "gt"),
        {"path": "item seats", "op": "empty"},
        {"path": "1.item", "op": "empty"},
        {"path": "item..x", "op": "empty"},
        {"path": "item." + "x" * 200, "op": "empty"},
        {"all": 5},
        {"all": [], "any": []},
        {"not": []},
        {"xor": []},
        {},
    ],
)
def test_what_is_no_condition_is_refused_when_it_is_written(condition: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(condition)


YES, NO = leaf("seats", "eq", 8), leaf("seats", "eq", 9)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"not": YES}, False),
        ({"not": {"not": YES}}, True),
        ({"not": {"all": [YES, NO]}}, True),
        ({"all": [{"any": [NO, YES]}, {"not": NO}]}, True),
    ],
)
def test_parts_combine(condition: Any, holds: bool) -> None:
    assert judge(condition).holds is holds


SEATS_ARE_8, SEATS_ARE_9 = "item.seats = 8 is true", "item.seats = 9 is false: it is 8"
OAK, PINE = leaf("fields.wood-type", "eq", "oak"), leaf("fields.wood-type", "eq", "pine")
IS_OAK, IS_PINE = "item.fields.wood-type = oak is true", "item.fields.wood-type = pine is false: it is oak"


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (NO, SEATS_ARE_9),
        ({"all": [YES, NO, PINE]}, f"{SEATS_ARE_9}; {IS_PINE}"),
        ({"any": [NO, PINE]}, f"{SEATS_ARE_9}; {IS_PINE}"),
        ({"all": [{"any": [NO, OAK]}, PINE]}, IS_PINE),
        ({"not": YES}, SEATS_ARE_8),
        ({"not": {"any": [YES, PINE]}}, SEATS_ARE_8),
        ({"not": {"all": [YES, OAK]}}, f"{SEATS_ARE_8}; {IS_OAK}"),
        ({"not": {"not": NO}}, SEATS_ARE_9),
        ({"all": [{"not": {"any": [NO, OAK]}}, YES]}, IS_OAK),
        ({"not": {"all": [{"not": NO}, {"any": [PINE, YES]}]}}, f"{SEATS_ARE_9}; {SEATS_ARE_8}"),
        ({"any": []}, "the condition is false"),
        ({"not": {"all": []}}, "the condition is false"),
    ],
)
def test_why_not_names_the_leaves_that_decided_it(condition: Any, why: str) -> None:
    verdict = judge(condition)
    assert not verdict.holds
    assert verdict.why_not() == why


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (leaf("nothing", "filled"), "item.nothing is filled is false: it is empty"),
        (leaf("blank", "eq", "x"), "item.blank = x is false: it is empty"),
        (leaf("title", "empty"), "item.title is empty is false: it is An Oak Table"),
        (leaf("seats", "between", [1, 2]), "item.seats is between [1, 2] is false: it is 8"),
        (
            leaf("title", "not_in", ["An Oak Table"]),
            "item.title is none of ['An Oak Table'] is false: it is An Oak Table",
        ),
        (leaf("seats", "ge", 9), "item.seats ≥ 9 is false: it is 8"),
    ],
)
def test_a_leaf_explains_itself_in_words(condition: Any, words: str) -> None:
    assert judge(condition).why_not() == words


def test_every_leaf_is_judged_and_shown_also_those_that_did_not_matter() -> None:
    verdict = judge({"any": [YES, {"all": [NO, PINE]}]})
    assert [(seen.path, seen.expected, seen.seen, seen.holds) for seen in verdict.leaves] == [
        ("item.seats", 8, 8, True),
        ("item.seats", 9, 8, False),
        ("item.fields.wood-type", "pine", "oak", False),
    ]


def test_conditions_nested_too_deeply_are_refused() -> None:
    condition: Any = YES
    for _ in range(MAX_DEPTH):
        condition = {"not": condition}
    assert judge(condition).holds
    with pytest.raises(ConditionError, match=f"nested deeper than {MAX_DEPTH}"):
        judge({"not": condition})
    for _ in range(5_000):
        condition = {"not": condition}
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(condition)


def test_the_paths_of_a_condition_are_those_of_its_leaves() -> None:
    condition = ADAPTER.validate_python({"all": [YES, {"not": {"any": [OAK, NO]}}]})
    assert [one.value for one in leaves_of(condition)] == [8, "oak", 9]
    assert paths(condition) == {"item.seats", "item.fields.wood-type"}


trees = st.recursive(
    st.builds(lambda n: leaf("n", "eq", n), st.integers(1, 3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=10,
)


@given(trees, st.integers(1, 3))
def test_the_decisive_leaves_alone_decide_the_same(tree: Any, n: int) -> None:
    """Whatever the other leaves said, the verdict would stand: so they are what is to be told."""
    verdict = judge(tree, {"item": {"n": n}})
    decisive = {id(one) for one in verdict.decisive}
    for others in (True, False):
        outcomes = iter([one.holds if id(one) in decisive else others for one in verdict.leaves])
        assert evaluate(tree, outcomes) is verdict.holds


def evaluate(tree: Any, outcomes: Any) -> bool:
    """The tree's value when its leaves, left to right, come out as given."""
    match tree:
        case {"all": parts}:
            return all([evaluate(part, outcomes) for part in parts])
        case {"any": parts}:
            return any([evaluate(part, outcomes) for part in parts])
        case {"not": part}:
            return not evaluate(part, outcomes)
        case _:
            return bool(next(outcomes))


def test_a_condition_is_written_as_it_was_read() -> None:
    written = {"all": [YES, {"not": {"any": [OAK]}}]}
    condition = ADAPTER.validate_python(written)
    assert ADAPTER.dump_python(condition, mode="json", by_alias=True) == written
    assert isinstance(ADAPTER.validate_python(YES), Leaf)
