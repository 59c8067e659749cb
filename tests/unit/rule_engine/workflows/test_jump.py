"""An operator lets a run go on at another block."""

import re
from typing import Any

import pytest

from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.jumping import jump
from rule_engine.domain.execution.state import ROOT
from rule_engine.domain.execution.workflows import begin_workflow, terminate
from support.runs import T0
from support.workflows import Story, branch, compiled, document, ended, note, say

WEEK = {"when": "after", "days": 7}
PAUSE = {"block": "pause", "name": "p", "run": WEEK}
ALWAYS = {"path": "item.activity_count", "op": "eq", "value": 0}


def jumps(story: Story, block: str) -> None:
    story.take(jump(story.program, story.state, block, f"to {block}", story.now))
    story.go()


def test_it_goes_forth_and_cancels_what_is_open() -> None:
    story = Story(PAUSE, say("passed_over"), say("last"))
    story.go()
    jumps(story, "last")
    assert (story.said, story.journal[-1]) == (["last"], ("p", "cancelled", "to last"))
    story.done("last")
    assert ended(story.state) == ("done", True)


def test_it_goes_back_and_what_was_done_is_done_again_with_other_commands() -> None:
    story = Story(note("known", "a word"), say("first"), say("second", "{{ steps.known.said }}"), PAUSE)
    story.go()
    before = story.commands["first"]
    story.done("first")
    story.done("second")
    jumps(story, "first")
    assert story.said == ["first", "a word", "first"]
    assert story.commands["first"] != before
    story.done("first")
    assert story.said[-1] == "a word"
    story.done("second")
    assert story.journal[-1] == ("p", "waiting", None)


def test_a_command_under_way_is_cancelled_and_its_result_moves_nothing() -> None:
    story = Story(say("first"), say("second"), PAUSE)
    story.go()
    old = story.commands["first"]
    step = story.take(jump(story.program, story.state, "first", "again", story.now))
    assert step.cancellations == (old,)
    story.go()
    new, story.commands["first"] = story.commands["first"], old
    assert new != old
    story.done("first")
    assert story.said == ["first", "first"]
    story.commands["first"] = new
    story.done("first")
    assert story.said == ["first", "first", "second"]


def test_it_goes_into_an_if_which_knows_its_branch_then() -> None:
    text = "{{ steps.i.branch }}"
    branches = [branch(say("a"), name="left", condition=ALWAYS), branch(say("b"), say("c", text), name="right")]
    story = Story(PAUSE, {"block": "if", "name": "i", "branches": branches}, say("after", text))
    story.go()
    jumps(story, "b")
    story.done("b")
    story.done("c")
    assert story.said == ["b", "right", "right"]
    story.done("after")
    assert ended(story.state) == ("done", True)


def test_it_stays_in_the_turn_of_a_loop_and_in_its_branch_of_a_parallel() -> None:
    turn = [say("one", "{{ loop.index }}"), say("two")]
    loop = {"block": "foreach", "name": "each", "values": ["a", "b"], "blocks": turn}
    side = {"block": "parallel", "name": "side", "branches": [branch(loop), branch(PAUSE)]}
    story = Story(side, say("after"))
    story.go()
    story.done("one")
    jumps(story, "one")
    assert story.said == ["0", "two", "0"]
    assert "p" in {story.program.at(frame.path).name for frame in story.state.frames.values()}
    story.done("one")
    story.done("two")
    assert story.said[-1] == "1"


@pytest.mark.parametrize(
    ("block", "what"),
    [
        ("inside", "it is inside loop (while), of which no branch that leads there is open; jump to loop"),
        ("beside", "it is inside side (parallel), of which no branch that leads there is open; jump to side"),
        ("ghost", "there is no block 'ghost' in the workflow"),
    ],
)
def test_where_a_block_must_start_its_branches_itself_it_is_refused(block: str, what: str) -> None:
    loop = {"block": "while", "name": "loop", "condition": {"expr": "false"}, "blocks": [say("inside")]}
    side = {"block": "parallel", "name": "side", "branches": [branch(say("beside"))]}
    story = Story(PAUSE, loop, side)
    story.go()
    with pytest.raises(RunError, match=re.escape(what)):
        jump(story.program, story.state, block, "", story.now)


def test_which_of_several_open_turns_is_meant_cannot_be_said() -> None:
    loop: dict[str, Any] = {"block": "foreach", "name": "each", "values": ["a", "b"], "order": "side_by_side"}
    story = Story(loop | {"blocks": [say("one"), PAUSE]})
    story.go()
    with pytest.raises(RunError, match="2 turns of the loop around one are open"):
        jump(story.program, story.state, "one", "", story.now)
    jumps(story, "each")
    assert len(story.said) == 4


def test_what_is_held_is_left_behind() -> None:
    story = Story(say("a"), say("b"))
    story.go()
    story.failed("a")
    jumps(story, "b")
    story.done("b")
    assert ended(story.state) == ("done", True)
    assert [one.state for one in story.state.executions.values()] == ["done"]


def test_a_run_that_has_ended_or_not_begun_does_not_jump() -> None:
    program = compiled(document(say("a")))
    fresh = begin_workflow(program, {}, {}, "user:ann", T0)
    with pytest.raises(RunError, match="has not begun"):
        jump(program, fresh, "a", "", T0)
    over = terminate(program, fresh, "enough", T0).state
    with pytest.raises(RunError, match="has ended"):
        jump(program, over, "a", "", T0)
    assert set(over.frames) == {ROOT}
