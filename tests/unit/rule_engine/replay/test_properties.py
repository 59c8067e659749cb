"""Whatever was recorded: what a replay says of a condition is what production would have found."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts.conditions import Condition, look_up
from contracts.envelope import rfc3339
from rule_engine.domain.language.conditions import compiled, paths_of
from rule_engine.domain.language.limits import quotable
from rule_engine.domain.replay.deciding import condition_of
from rule_engine.domain.replay.recorded import KnownValues
from support.runs import T0

SHOP = {"time_zone": "UTC"}
PATHS = ("item.title", "item.fields.wood", "item.source", "contact.first_name")
ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
values = st.sampled_from([None, "", "oak", "ash"])
leaves = st.builds(
    lambda path, op, value: {"path": path, "op": op, "value": value},
    st.sampled_from(PATHS),
    st.sampled_from(["eq", "ne"]),
    values.filter(bool),
)
expressions = st.builds(
    lambda path, value: {"expr": f"{path} == '{value}'"}, st.sampled_from(PATHS), values.filter(bool)
)
conditions = st.recursive(
    leaves | expressions,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
).map(ADAPTER.validate_python)
items = st.fixed_dictionaries({path: values for path in PATHS})


def as_named(by_path: dict[str, Any]) -> dict[str, Any]:
    """As production names it; an empty field is absent."""
    item = {"title": by_path["item.title"], "source": by_path["item.source"], "fields": {}}
    if by_path["item.fields.wood"] is not None:
        item["fields"] = {"wood": by_path["item.fields.wood"]}
    around = {"tenant": SHOP, "now": rfc3339(T0), "today": "2026-03-02"}
    return {"item": item, "contact": {"first_name": by_path["contact.first_name"]}} | around


@given(conditions, items)
def test_a_condition_on_what_it_saw_itself_comes_to_the_same(condition: Condition, item: dict[str, Any]) -> None:
    named = as_named(item)
    seen = quotable({path: look_up(named, path.split(".")) for path in paths_of(condition)})
    found, verdict = condition_of(condition, KnownValues(T0, SHOP, seen)), compiled(condition)(named)
    assert (found.holds, found.why_not) == (verdict.holds, "" if verdict.holds else verdict.why_not())


@given(conditions, items, st.sets(st.sampled_from(PATHS)))
def test_what_is_said_from_a_part_of_the_values_is_true_of_all(
    condition: Condition, item: dict[str, Any], recorded: set[str]
) -> None:
    named = as_named(item)
    seen = {path: look_up(named, path.split(".")) for path in recorded}
    found = condition_of(condition, KnownValues(T0, SHOP, seen))
    if found.holds is None:
        assert found.unknown
        assert found.unknown <= paths_of(condition) - recorded
    else:
        assert found.holds is compiled(condition)(named).holds
