"""What the workshop's items must show at the effects' owners, by the examples of their rules. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from chaos.audit import Deed
from chaos.workshop import ONE_ROOM, Draw
from support.rule_examples import EXAMPLE, filled, matches

type States = Mapping[str, tuple[str, str | None]]
"""What became of the rules of one entry, by name: the state and its reason."""
TENANT_WIDE = "set_variable"
"""Its example counts in one variable of the tenant, so that all its items show one figure."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of one item at the owner of its effect."""

    draw: Draw
    item: str
    states: States
    answer: Any

    @property
    def state(self) -> str:
        return self.states.get(EXAMPLE, ("missing", None))[0]

    @property
    def reason(self) -> str:
        return self.states.get(EXAMPLE, ("", None))[1] or ""

    @property
    def where(self) -> str:
        return f"{self.draw.type} of item {self.item} ({self.draw.example.title})"


def deeds(seen: Sequence[Seen], ids: Mapping[str, str], counted: int) -> Iterator[Deed]:
    """`ids` are those of employees by code, `counted` is the value of the variable that all items count in."""
    for one in seen:
        if one.draw.type != TENANT_WIDE:
            yield shown(one, {**ids, "item": one.item})
        if one.draw.refused and one.draw.example.refusal:
            reason = one.draw.example.refusal.reason
            yield Deed(f"{one.where} was refused because {reason!r} ({one.reason})", reason in one.reason)
    done = [one for one in seen if one.state == "done"]
    yield Deed("what was counted in the variable", counted, sum(one.draw.type == TENANT_WIDE for one in done), True)
    yield from _one_room(seen)


def shown(seen: Seen, ids: Mapping[str, str]) -> Deed:
    """The effect of one item: once when all its rules were done, none when its own was not."""
    example, draw = seen.draw.example, seen.draw
    shows, lacks = (filled(draw.own(part), ids) for part in (example.shows, example.lacks))
    found = matches(seen.answer, shows)
    if lacks and matches(seen.answer, lacks):
        found = 0
    if all(state == "done" for state, _ in seen.states.values()):
        expected = 1
    elif seen.state == "done" or lacks:
        expected = min(found, 1)  # rules after it show the effect, or nothing was there to be taken away
    else:
        expected = 0
    return Deed(f"{seen.where}, {seen.state}", found, expected, is_effect=True)


def _one_room(seen: Sequence[Seen]) -> Iterator[Deed]:
    """Who did not get the room was told that it is taken, and somebody has it."""
    asked = [one for one in seen if one.draw.type == ONE_ROOM and not one.draw.refused]
    for one in asked:
        if one.state == "refused":
            yield Deed(
                f"{one.where} was refused because the room is taken ({one.reason})", " is taken at " in one.reason
            )
    if asked:
        yield Deed("somebody got the room", any(one.state == "done" for one in asked))


def overlaps(bookings: Sequence[Mapping[str, Any]]) -> int:
    """How many bookings begin before the one before them ends; each has `start` and `end`."""
    spans = sorted((datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in bookings)
    return sum(after[0] < before[1] for before, after in pairwise(spans))
