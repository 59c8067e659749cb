"""The neighbour leaves nothing out: every rule type, every parameter, every place of every request has its turn."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.neighbour import end_fault
from chaos.test_audit import AT
from rule_engine.rules import REGISTRY
from support import corpus
from support.hostile_params import PARAMS
from support.hostility import WRITES, Draws, rule_places, sound_rule, write_places


def test_every_parameter_of_every_rule_type_is_written() -> None:
    assert {type: set(kind.params.model_fields) for type, kind in REGISTRY.items()} == {
        type: set(params) for type, params in PARAMS.items()
    }


def test_every_place_has_its_turn() -> None:
    draws = Draws("turns", each=20)
    rules = sum(len(rule_places(sound_rule(type))) for type in PARAMS)
    tried = list(islice(iter(draws.rule, None), rules))
    spoilt = {(one["type"], _place(sound_rule(one["type"]), one)) for one in tried}
    assert {type for type, _ in spoilt} == set(PARAMS)
    assert len(spoilt) > rules * 0.9, "some hostile values equal sound ones, hardly more"
    requests = sum(len(write_places(write)) for write in WRITES)
    written = [write for write, _ in islice(iter(draws.write, None), requests)]
    assert {write.path for write in written} == {write.path for write in WRITES}


def test_the_same_seed_tries_the_same() -> None:
    first, second = Draws("seed", each=20), Draws("seed", each=20)
    assert [first.rule() for _ in range(50)] == [second.rule() for _ in range(50)]
    assert [first.write() for _ in range(50)] == [second.write() for _ in range(50)]


def test_harmless_draws_are_what_people_write_who_mean_well() -> None:
    draws = Draws("seed", hostile=False)
    assert all(one == sound_rule(one["type"]) for one in islice(iter(draws.rule, None), 50))
    assert all(write in WRITES for write, _ in islice(iter(draws.write, None), 50))


@given(st.data())
def test_a_value_is_put_in_its_place_and_nowhere_else(data: st.DataObject) -> None:
    rule = sound_rule(data.draw(st.sampled_from(sorted(PARAMS))))
    place = data.draw(st.sampled_from(corpus.places(rule)))
    value = object()
    assert list(_differences(rule, corpus.replaced(rule, place, value))) == [place]


@pytest.mark.parametrize(
    ("state", "due_at", "reason", "fault"),
    [
        ("done", None, None, None),
        ("failed", None, "params.value: contains a null character", None),
        ("failed", None, None, "has no reason"),
        ("running", None, None, "never ended"),
        ("planned", None, None, "never ended"),
        ("waiting", "9999-12-31T00:00:00Z", None, None),
        ("waiting", None, "waits for item.fields.day", None),
        ("waiting", "2020-01-01T00:00:00Z", None, "has been due since 2020-01-01 00:00:00+00:00"),
    ],
)
def test_a_rule_that_neither_ended_nor_waits_for_a_date_is_found(
    state: str, due_at: str | None, reason: str | None, fault: str | None
) -> None:
    assert end_fault({"state": state, "due_at": due_at, "reason": reason}, AT) == fault


def _place(sound: Any, tried: Any) -> corpus.Path | None:
    return next(_differences(sound, tried), None)


def _differences(one: Any, other: Any, path: corpus.Path = ()) -> Iterator[corpus.Path]:
    """The places where two values differ, as far up as the value itself is another one."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _differences(first, second, (*path, number))
    elif one != other or type(one) is not type(other):
        yield path
