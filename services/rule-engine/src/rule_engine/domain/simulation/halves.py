"""A large world in two halves that know nothing of one another, so that two processes can simulate it."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from rule_engine.domain.execution.program import Program
from rule_engine.domain.simulation.world import Arrival, World

LARGE = 200
"""Items from which on a second process is worth its start."""


def halves(world: World) -> tuple[World, World] | None:
    """Every second item, and the others; null for a small world, and where items meet: in a variable, or in a line.

    The halves do not depend on the machine: the same world is always parted in the same way.
    """
    waits_in_line = any(workflow.document.concurrency for workflow in world.workflows)
    if len(world.arrivals) < LARGE or waits_in_line or any(program.stored for program in _programs(world)):
        return None
    arrivals = in_order(world.arrivals)
    return _part(world, arrivals[::2]), _part(world, arrivals[1::2])


def in_order(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The first one first."""
    return sorted(arrivals, key=lambda one: one.at)


def first_items(world: World, number: int) -> tuple[UUID, ...]:
    """Those that arrive first."""
    return tuple(one.context.item.id for one in in_order(world.arrivals)[:number])


def _programs(world: World) -> Iterable[Program]:
    for published in world.published.values():
        for programs in published.programs.values():
            yield from programs
    for workflow in world.workflows:
        yield workflow.program


def _part(world: World, arrivals: list[Arrival]) -> World:
    ids = {one.context.item.id for one in arrivals}
    happenings = [one for one in world.happenings if one.item is None or one.item in ids]
    return replace(world, arrivals=arrivals, happenings=happenings)
