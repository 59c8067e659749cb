"""Random workflows, edited at random while a run of them waits: it goes on, or is left with a reason."""

from collections import Counter
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.migration import Target, migrate, places_of
from rule_engine.domain.execution.program import Block, Program
from rule_engine.domain.execution.relocation import id_of
from rule_engine.domain.execution.state import Entry
from support.driving import FEWER, FINALS, Drive
from support.random_workflows import DOCUMENTS, LEAVES, named
from support.runs import T0, TIMES, context
from support.workflows import compiled

PLACE = st.integers(min_value=0, max_value=1_000)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), PLACE, PLACE, LEAVES),
        st.tuples(st.sampled_from(["remove", "move", "wait"]), PLACE, PLACE, st.none()),
    ),
    min_size=1,
    max_size=4,
)
LOOPS = ("while", "foreach", "statuses")


class Migrated(Drive):
    """A run that is moved after so many steps; `after` null: after every one, to the version that it has."""

    refusal: str | None = None

    def __init__(self, program: Program, finals: list[str], other: Program | None = None, after: int = 0) -> None:
        super().__init__(program, finals)
        self.other, self.left = other, after
        self.rows: dict[int, tuple[str, bool]] = {}

    def _commit(self, make: Any) -> None:
        super()._commit(lambda: self._noted(make()))
        self.left -= 1
        if self.state.outcome is None and (self.other is None or self.left == 0):
            self._migrate(self.other or self.program)

    def _noted(self, step: Any) -> Any:
        """What the journal has of each execution: whose it is, and whether it may have had an effect."""
        for one in step.changed:
            self.rows[one.step] = (one.rule_id, one.state != "cancelled" or one.command_id is not None)
        for block in step.blocks:
            self.rows[block.step] = (self.program.container(block.path).id, block.state != "cancelled")
        return step

    def _migrate(self, program: Program) -> None:
        item = context().item
        begun = frozenset(id for id, acted in self.rows.values() if acted)
        target = Target(program, 2, Entry(item.id, 1, T0, item), item, TIMES, self.now, begun)
        try:
            moved = migrate(self.program, self.state, target)
        except NotMovableError as error:
            self.refusal = str(error)
            return
        assert places_of(program, moved.step.state) or not places_of(self.program, self.state)
        self.program = program
        super()._commit(lambda: self._noted(moved.step))


@given(written=DOCUMENTS, finals=FINALS)
@settings(max_examples=FEWER, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.simulation
def test_a_run_that_is_moved_to_the_version_that_it_has_goes_on_as_if_it_was_not(
    written: list[dict[str, Any]], finals: list[str]
) -> None:
    program = _compiled(named(written, count()))
    straight, moved = Drive(program, finals), Migrated(program, finals)
    assert moved.run() == straight.run()
    assert (moved.state, moved.refusal) == (straight.state, None)


@given(written=DOCUMENTS, edits=EDITS, finals=FINALS, after=st.integers(min_value=1, max_value=5))
@settings(max_examples=FEWER, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.simulation
def test_a_run_that_is_moved_to_an_edited_version_goes_on_to_its_end_and_nothing_acts_twice(
    written: list[dict[str, Any]], edits: list[Any], finals: list[str], after: int
) -> None:
    first = named(written, count())
    second = _edited(first, edits)
    assume(_is_whole(second))
    old, new = _compiled(first), _compiled(second, first)
    run = Migrated(old, finals, new, after)
    run.run()
    assert run.refusal is None or run.refusal.strip()
    assert run.state.finished or places_of(run.program, run.state), "it waits for nothing, and has not ended"
    acted = Counter(entry[1] for entry in run.journal if entry[0] == "sent")
    repeated = _inside_loops(old.root) | _inside_loops(new.root)
    assert {name: times for name, times in acted.items() if times > 1 and name not in repeated} == {}


def _compiled(*versions: list[dict[str, Any]]) -> Program:
    """The first one, after the others."""
    variables = {"n": {"type": "int", "value": 0}}
    made = [
        WorkflowDocument.model_validate({"kind": "deal", "variables": variables, "blocks": one}) for one in versions
    ]
    return compiled(made[0], *made[1:])


def _edited(written: list[dict[str, Any]], edits: list[Any]) -> list[dict[str, Any]]:
    made, numbers = deepcopy(written), count(1_000)
    for what, at, to, leaf in edits:
        bodies = list(_bodies(made))
        body, other = bodies[at % len(bodies)], bodies[to % len(bodies)]
        place = at % len(body) if body else 0
        if what == "insert":
            body.insert(place, named([leaf], numbers)[0])
        elif what == "remove" and body:
            del body[place]
        elif what == "move" and body and not any(inner is other for inner in _bodies([body[place]], inside=True)):
            other.insert(to % (len(other) + 1), body.pop(place))
        elif what == "wait":
            _wait_longer(body[place : place + 1])
    return made


def _bodies(blocks: list[dict[str, Any]], *, inside: bool = False) -> Any:
    if not inside:
        yield blocks
    for one in blocks:
        for body in ([one["blocks"]] if "blocks" in one else []) + [b["blocks"] for b in one.get("branches", ())]:
            yield from _bodies(body)


def _wait_longer(blocks: list[dict[str, Any]]) -> None:
    for one in blocks:
        for option in {"run", "timeout", "within"} & one.keys():
            one[option] = {"when": "after", "days": 3}


def _is_whole(blocks: list[dict[str, Any]]) -> bool:
    return all(_bodies(blocks)) if blocks else False


def _inside_loops(block: Block, around: bool = False) -> set[str]:
    """The names of what may come more than once."""
    found: set[str] = set()
    for inner in block.blocks:
        if around:
            found.add(inner.name)
        if isinstance(inner, Block):
            found |= _inside_loops(inner, around or block.block in LOOPS or inner.block in LOOPS)
    assert all(id_of(one) for one in block.blocks if not isinstance(one, Block))
    return found
