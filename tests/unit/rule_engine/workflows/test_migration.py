"""Workflows whose waiting runs are moved to another version."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.migration import Moved, Target, migrate, places_of
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.workflows import move_pause
from support.runs import T0, TIMES
from support.workflows import Story, branch, compiled, document, note, say


def pause(name: str = "a_week", **time: int) -> dict[str, Any]:
    return {"block": "pause", "name": name, "run": {"when": "after", **(time or {"days": 7})}}


def wait(name: str = "answer", event: str = "command.go", hours: int = 2) -> dict[str, Any]:
    return {
        "block": "wait_event",
        "name": name,
        "event": event,
        "timeout": {"when": "after", "hours": hours},
        "branches": [branch(say("yes"), name="received"), branch(say("no"), name="timed_out")],
    }


def statuses(*states: Mapping[str, Any], name: str = "request") -> dict[str, Any]:
    return {
        "block": "statuses",
        "name": name,
        "statuses": list(states),
        "branches": [branch(note("over", "x"), name="end")],
    }


def until(after: str, **time: int) -> dict[str, Any]:
    return {"after": {"when": "after", **time}, "then": after}


class Moving(Story):
    """A run that can be moved to another version of its workflow."""

    def __init__(self, *blocks: Mapping[str, Any], **rest: Any) -> None:
        self.versions = [document(*blocks, **rest)]
        super().__init__(*blocks, **rest)

    def to(self, *blocks: Mapping[str, Any], begun: frozenset[str] = frozenset(), **rest: Any) -> Moved:
        """Moves it to the next version, if that has a place for it, and goes on."""
        written = document(*blocks, **rest)
        program = compiled(written, *self.versions)
        item = self.item.item
        variables = {name: one.value for name, one in written.variables.items()}
        target = Target(program, 2, Entry(item.id, 1, T0, item), item, TIMES, self.now, begun, variables=variables)
        moved = migrate(self.program, self.state, target)
        assert moved.before is None, "only chains plan"
        self.program = program
        self.versions.append(written)
        self.take(moved.step)
        return moved

    def why_not(self, *blocks: Mapping[str, Any], begun: tuple[str, ...] = (), **rest: Any) -> str:
        """Why it has no place in a version; `begun` are the names of what the journal has."""
        ids = {one.name: one.rule_id for one in self.program.rules()}
        with pytest.raises(NotMovableError) as refusal:
            self.to(*blocks, begun=frozenset(ids[name] for name in begun), **rest)
        return str(refusal.value)


def test_a_run_goes_on_in_a_pause_that_stands_elsewhere_in_its_branch() -> None:
    story = Moving(say("greet"), pause(), say("ask"))
    story.go()
    story.done("greet")
    story.to(note("more", "x"), say("greet"), note("again", "x"), pause(), say("thank"), say("ask"))
    story.after(days=7)
    assert story.said == ["greet", "thank"]
    story.done("thank")
    assert story.said == ["greet", "thank", "ask"]


def test_a_pause_with_another_time_is_counted_from_when_it_began() -> None:
    story = Moving(say("greet", on_failure="continue"), pause())
    story.go()
    story.now += timedelta(hours=3)
    story.done("greet")
    story.now += timedelta(days=1)
    moved = story.to(say("greet", on_failure="continue"), pause(days=3))
    assert moved.step.wake_at == T0 + timedelta(days=3, hours=3)
    assert story.journal[-1] == ("a_week", "waiting", "waits as version 2 says")
    assert story.to(say("greet"), pause(days=1)).step.wake_at == story.now


def test_a_pause_that_an_operator_has_moved_stays_so_until_it_begins_again() -> None:
    story = Moving(pause())
    story.go()
    (place,) = places_of(story.program, story.state)
    story.take(move_pause(story.program, story.state, place.step, T0 + timedelta(days=30), story.now))
    assert story.to(pause(days=1)).step.wake_at == T0 + timedelta(days=30)


def test_a_removed_block_or_one_of_another_type_has_no_place() -> None:
    story = Moving(pause(), say("ask"))
    story.go()
    assert story.why_not(say("ask")) == "a_week is not there any more"
    assert story.why_not(wait("a_week"), say("ask")) == "a_week is of another type there: wait_event"
    assert story.why_not(note("a_week", "x"), say("ask")) == "a_week is of another type there: note"
    assert story.after(days=7).emissions


def test_a_block_inside_other_blocks_has_no_place() -> None:
    story = Moving(pause())
    story.go()
    inside = {"block": "parallel", "name": "both", "branches": [branch(pause()), branch(say("ask"))]}
    assert story.why_not(inside) == "a_week stands inside other blocks there"


def test_branches_are_found_by_what_is_open_in_them() -> None:
    both = {"block": "parallel", "name": "both", "branches": [branch(pause("one")), branch(pause("two", days=1))]}
    story = Moving(both, say("end"))
    story.go()
    more = {
        "block": "parallel",
        "name": "both",
        "branches": [branch(say("new")), branch(pause("two", days=1), say("after_two")), branch(pause("one"))],
    }
    story.to(more, say("end"))
    story.after(days=1)
    story.done("after_two")
    assert story.said == ["after_two"]
    story.after(days=7)
    assert story.said == ["after_two", "end"], "a branch that is new does not begin, and is not waited for"


def test_what_has_acted_inside_a_block_that_has_ended_does_not_come_again() -> None:
    story = Moving({"block": "if", "name": "asked", "branches": [branch(say("ask"))]}, pause(), say("end"))
    story.go()
    story.done("ask")
    inside = {"block": "if", "name": "asked", "branches": [branch(say("ask"))]}
    words = "ask has had its turn already, and would come again there"
    assert story.why_not(pause(), inside, say("end"), begun=("ask",)) == words
    assert story.why_not(pause(), say("ask"), say("end"), begun=("ask",)) == words
    story.to(inside, pause(), say("more"), say("end"), begun=frozenset())
    story.after(days=7)
    assert story.said == ["ask", "more"]


def test_an_action_that_holds_its_branch_is_tried_again_as_the_new_version_has_it() -> None:
    story = Moving({"block": "action", "name": "tell", "type": "break", "params": {"text": "x"}}, say("end"))
    story.go()
    assert story.why_not(say("end")) == "tell is not there any more"
    story.to(say("tell", "better"), say("end"))
    (place,) = places_of(story.program, story.state)
    assert (place.name, place.state, place.next) == ("tell", "failed", "end")


def test_a_loop_goes_on_with_its_next_turn() -> None:
    def loop(*body: Mapping[str, Any]) -> dict[str, Any]:
        return {"block": "foreach", "name": "each", "values": ["a", "b"], "blocks": list(body)}

    story = Moving(loop(say("tell", "{{ loop.value }}"), pause("day", days=1)))
    story.go()
    story.done("tell")
    story.to(loop(say("before", "-"), say("tell", "{{ loop.value }}!"), pause("day", days=1)))
    story.after(days=1)
    story.done("before")
    assert story.said == ["a", "-", "b!"]


def test_an_event_that_is_waited_for_is_the_one_that_the_new_version_names() -> None:
    story = Moving(wait())
    story.go()
    story.to(wait(event="command.yes", hours=5))
    assert story.state.frames[1].awaits == ("command.yes",)
    assert story.wake_at == T0 + timedelta(hours=5)
    story.receive("command.yes")
    assert story.said == ["yes"]
    story.to(wait(event="command.other", hours=1))
    assert not story.state.frames[1].awaits, "it does not wait any more"


def test_a_status_is_kept_and_waits_as_the_new_version_says() -> None:
    end = {"name": "end"}
    story = Moving(statuses({"name": "open", **until("end", days=2)}, end))
    story.go()
    story.now += timedelta(days=1)
    commanded = {"name": "open", "commands": [{"name": "close", "to": "end"}], **until("end", days=5)}
    assert story.to(statuses(commanded, end)).step.wake_at == T0 + timedelta(days=5)
    assert story.why_not(statuses(end)) == "request: it has no status 'open' any more"
    final = statuses({"name": "open"}, end)
    assert story.why_not(final) == "request: its status 'open' is final there: nothing would end it"
    story.receive("command.close")
    assert story.state.outcome == "done"


def test_a_deadline_is_counted_anew() -> None:
    def work(days: int) -> dict[str, Any]:
        branches = [branch(pause("work", days=30), name="work"), branch(say("late"), name="late")]
        return {"block": "deadline", "name": "in_time", "within": {"when": "after", "days": days}, "branches": branches}

    story = Moving(work(9))
    story.go()
    story.now += timedelta(days=5)
    assert story.to(work(4)).step.wake_at == story.now
    story.go()
    assert story.said == ["late"]


def test_variables_that_are_new_have_their_first_value() -> None:
    story = Moving(pause(), variables={"n": {"type": "int", "value": 0}})
    story.go()
    new = {"n": {"type": "int", "value": 7}, "m": {"type": "int", "value": 8}}
    story.to(pause(), say("tell", "{{ local.n }} {{ local.m }}"), variables=new)
    story.after(days=7)
    assert story.said == ["0 8"]
