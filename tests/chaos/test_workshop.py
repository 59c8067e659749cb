"""The workshop draws every rule type, and its audit can fail: each thing that an example does not show is reported."""

from itertools import islice
from typing import Any

import pytest

from chaos.expected import Clients, Entry, endings
from chaos.shown import Seen, deeds, overlaps
from chaos.test_audit import AT, ITEM
from chaos.workshop import ONE_ROOM, Draw, draws, may_leave, read_workshop_rules
from rule_engine.rules import REGISTRY
from support.rule_examples import EXAMPLES, matches

IDS = {"manager": "m", "head_of_sales": "h", "warehouse_worker": "w"}
COMMENT = Draw(7, "add_timeline_comment")
WRITTEN = {"kind": "comment", "text": "Alex wishes to see the wood"}
RULES = {rule.name: rule for rule in read_workshop_rules()}


def seen(draw: Draw, answer: Any, **states: str) -> Seen:
    return Seen(draw, "item-7", {name: (state, "because") for name, state in states.items()}, answer)


def wrong(*items: Seen, counted: int = 0) -> list[tuple[int, int]]:
    """What was found and expected, where these differ."""
    return [(one.found, one.expected) for one in deeds(items, IDS, counted) if one.found != one.expected]


def test_every_registered_rule_type_is_drawn_in_the_first_round_and_acts() -> None:
    first = list(islice(draws("any"), len(REGISTRY)))
    assert {draw.type for draw in first} == REGISTRY.keys()
    assert not any(draw.refused or draw.leaves for draw in first)


def test_later_rounds_draw_refusals_and_leaving_of_every_rule_type_that_has_them() -> None:
    later = list(islice(draws("any"), len(REGISTRY) * 100))
    assert {draw.type for draw in later if draw.refused} == {type for type, one in EXAMPLES.items() if one.refusal}
    assert {draw.type for draw in later if draw.leaves} == {type for type in EXAMPLES if may_leave(type)}


def test_the_same_seed_draws_the_same() -> None:
    assert list(islice(draws("seed"), 200)) == list(islice(draws("seed"), 200))


def test_what_an_example_shows_is_told_from_what_others_of_its_type_show() -> None:
    for type, example in EXAMPLES.items():
        said = [example.effect.get, example.shows, example.lacks]
        first, second = (Draw(number, type).own(said) for number in (1, 2))
        assert "{item}" in str(said) or first != second or type == "set_variable", f"{type} shows all its items alike"


def test_an_effect_that_is_there_once_is_as_it_must_be() -> None:
    assert wrong(seen(COMMENT, {"items": [WRITTEN, {"kind": "history", "text": "entered"}]}, example="done")) == []


@pytest.mark.parametrize(("times", "state"), [(0, "done"), (2, "done"), (1, "cancelled"), (1, "refused")])
def test_an_effect_is_lost_doubled_or_unexplained(times: int, state: str) -> None:
    expected = int(state == "done")
    assert wrong(seen(COMMENT, {"items": [WRITTEN] * times}, example=state)) == [(times, expected)]


def test_when_the_rule_that_shows_an_effect_was_cancelled_it_may_be_missing_but_not_be_there_twice() -> None:
    draw = Draw(7, "get_products", leaves=True)
    said = {"kind": "comment", "text": "1 row, Oak table 7, €2,500.00"}
    for times, found in ((0, []), (1, []), (2, [(2, 1)])):
        assert wrong(seen(draw, {"items": [said] * times}, example="done", say="cancelled")) == found


def test_what_was_not_taken_away_is_lost() -> None:
    draw = Draw(7, "delete_item")
    assert wrong(seen(draw, {"items": [{"id": "item-8"}]}, example="done")) == []
    assert wrong(seen(draw, {"items": [{"id": "item-7"}]}, example="done")) == [(0, 1)]


def test_a_refusal_for_another_reason_is_reported() -> None:
    draw = Draw(7, "send_sms", refused=True)
    assert wrong(seen(draw, {"items": []}, example="refused")) == [(0, 1)]


def test_what_is_counted_in_the_variable_is_what_was_done() -> None:
    once, twice = (seen(Draw(number, "set_variable"), {"value": 2}, example="done") for number in (7, 8))
    assert wrong(once, twice, counted=2) == []
    assert wrong(once, twice, counted=3) == [(3, 2)]


def test_one_gets_the_room_and_the_others_hear_that_it_is_taken() -> None:
    nothing: dict[str, Any] = {"items": []}
    assert wrong(seen(Draw(7, ONE_ROOM), nothing, example="refused")) == [(0, 1), (0, 1)]
    assert overlaps([{"start": "2030-01-01T10:00:00Z", "end": "2030-01-01T11:30:00Z"}] * 2) == 1
    assert overlaps([{"start": f"2030-01-0{day}T10:00:00Z", "end": f"2030-01-0{day}T11:30:00Z"} for day in (2, 1)]) == 0


@pytest.mark.parametrize(
    ("rule", "refused", "left", "allowed"),
    [
        ("send_sms.example", False, True, {"done"}),
        ("send_sms.example", True, False, {"failed", "refused"}),
        ("get_products.say", False, True, {"done", "cancelled", "refused"}),
        ("plan_activity.example", False, False, {"done", "refused"}),
    ],
)
def test_how_a_rule_may_end(rule: str, refused: bool, left: bool, allowed: set[str]) -> None:
    entry = Entry("e", ITEM, "Oak table 7", "examples", RULES[rule].stage, 2, AT, refused=refused)
    assert endings(RULES[rule], entry, Clients(), left=left, before=()) == allowed


def test_a_wanted_element_is_counted_as_often_as_it_is_there() -> None:
    assert matches({"items": [{"a": 1, "b": 2}, {"a": 1}]}, {"items": [{"a": 1}]}) == 2
    assert matches({"items": [{"a": 1}, {"a": 2}]}, {"items": [{"a": 1}, {"a": 2}]}) == 1
    assert matches({"items": [{"a": 1}]}, {"items": [{"a": 1}, {"a": 2}]}) == 0
