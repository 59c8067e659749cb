"""A large world is simulated in two halves, by two processes: what is found is what one would have found."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rule_engine.domain.language.variables import Definition, VariableDocument
from rule_engine.domain.simulation.findings import Findings
from rule_engine.domain.simulation.halves import LARGE, halves
from rule_engine.domain.simulation.world import Arrival, World
from rule_engine.simulator import findings
from support.shop import NOON, rule, rule_set
from support.simulated import deals, simulated, world

AT_TEN = {"when": "after", "days": 2, "clock": "10:00"}
RULES: dict[str, Any] = rule_set(
    new=[
        rule("greet", "send_sms", text="Hello {{ contact.first_name }}"),
        rule("again", "send_sms", execution="parallel", run={"when": "after", "hours": 3}, text="Still there?"),
        rule("mark", "update_item", execution="parallel", fields=[{"field": "source", "value": "a"}]),
        rule("mark_again", "update_item", fields=[{"field": "source", "value": "b"}]),
        rule("go", "change_stage", execution="parallel", run=AT_TEN, stage="won"),
    ],
    won=[rule("back", "change_stage", stage="documents")],
    documents=[rule("forth", "change_stage", stage="won")],
)
COUNTING = Definition("variable", "sold", VariableDocument(type="int", value=0))


def crowded(**rest: Any) -> World:
    """More deals than one process takes alone, one after another; their client is the same."""
    made = world(
        RULES,
        items=deals(LARGE + 1),
        days=5,
        stand_ins=[{"type": "send_sms", "refused": 0.2}, {"after_seconds": 30, "failed": 0.1}],
        **rest,
    )
    arrivals = [Arrival(NOON + number * timedelta(minutes=1), one.context) for number, one in enumerate(made.arrivals)]
    return replace(made, arrivals=arrivals)


def found_by_halves(made: World) -> Findings:
    return Findings.model_validate_json(findings(made, 20, 3).replace(b'"from":', b'"from_":', 1))


def test_the_halves_find_what_the_whole_finds() -> None:
    made = crowded()
    whole = simulated(made, traced=20)
    assert halves(made) is not None
    assert whole.collisions
    assert whole.circles
    assert whole.many_messages
    assert found_by_halves(made).model_dump(mode="json") == whole.model_dump(mode="json")


def test_where_items_could_meet_in_a_variable_there_are_no_halves() -> None:
    counted = rule("count", "set_variable", variable="sold", value={"expr": "var.sold + 1"})
    made = world(rule_set(new=[counted]), items=deals(LARGE), definitions=[COUNTING])
    assert halves(made) is None


def test_a_limit_of_all_runs_together_is_met_by_the_whole() -> None:
    made = crowded(open_runs=150)
    found = found_by_halves(made)
    assert found.model_dump(mode="json") == simulated(made, traced=20).model_dump(mode="json")
    assert [one.what for one in found.limits] == [made.over_quota]


@pytest.mark.parametrize("number", [1, LARGE - 1])
def test_a_small_world_stays_whole(number: int) -> None:
    assert halves(world(RULES, items=deals(number))) is None
