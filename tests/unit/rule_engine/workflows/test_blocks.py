"""What each block does on the core that runs it: from what is written to what is sent and what the journal says."""

import pytest

from contracts.contexts import ItemContext
from support.runs import context, snapshot
from support.workflows import Story, branch, note, say

BUSY = {"path": "item.activity_count", "op": "gt", "value": 0}
QUIET = {"path": "item.activity_count", "op": "eq", "value": 0}
SEVEN_DAYS = {"when": "after", "days": 7}


def busy() -> ItemContext:
    return context(snapshot(activity_count=2))


def test_actions_run_one_after_another_and_the_workflow_ends_with_the_last() -> None:
    story = Story(say("hello"), say("goodbye"))
    story.go()
    assert (story.said, story.state.finished) == (["hello"], False)
    story.done("hello")
    story.done("goodbye")
    assert (story.said, story.state.outcome, story.state.finished) == (["hello", "goodbye"], "done", True)


@pytest.mark.parametrize(("seen", "said"), [(context(), "quiet"), (busy(), "other")])
def test_if_takes_the_first_branch_that_holds(seen: ItemContext, said: str) -> None:
    branches = [branch(say("quiet"), condition=QUIET), branch(say("other"))]
    story = Story({"block": "if", "name": "which", "branches": branches}, say("after"))
    story.go(seen)
    assert story.said == [said]
    story.done(said)
    assert story.said == [said, "after"]


def test_the_journal_keeps_what_the_conditions_that_were_looked_at_have_read() -> None:
    """`rich` is not looked at any more once `busy` holds."""
    rich = {"path": "item.amount.amount", "op": "gt", "value": 1}
    branches = [branch(name="quiet", condition=QUIET), branch(name="busy", condition=BUSY), branch(condition=rich)]
    story = Story({"block": "if", "name": "which", "branches": branches})
    story.go(busy())
    (chosen,) = story.chosen
    assert (chosen.choice, chosen.reason, chosen.seen) == ("busy", None, {"item.activity_count": 2})
    assert [(leaf.op, leaf.holds) for leaf in chosen.leaves] == [("eq", False), ("gt", True)]


def test_if_passes_when_no_branch_holds() -> None:
    story = Story({"block": "if", "name": "which", "branches": [branch(say("busy"), condition=BUSY)]}, say("after"))
    story.go()
    assert story.said == ["after"]
    assert ("which", "skipped", "no condition was true") in story.journal
    assert [one.choice for one in story.chosen] == ["none"]


def test_outputs_inside_a_block_can_be_named_after_it() -> None:
    inner = branch(note("greeting", "Good day"), condition=QUIET)
    story = Story({"block": "if", "name": "which", "branches": [inner]}, say("after", "{{ steps.greeting.said }}!"))
    story.go()
    assert story.said == ["Good day!"]


@pytest.mark.parametrize(("wait_for", "done_after"), [("all", 3), ("any", 1), (2, 2)])
def test_parallel_goes_on_when_enough_branches_have_ended(wait_for: str | int, done_after: int) -> None:
    names = ["one", "two", "three"]
    both = {"block": "parallel", "name": "both", "wait_for": wait_for, "branches": [branch(say(one)) for one in names]}
    story = Story(both, say("after"))
    step = story.go()
    assert story.said == names
    for count, name in enumerate(names[:done_after], start=1):
        step = story.done(name)
        assert ("after" in story.said) == (count == done_after)
    cancelled = [one.rule_id for one in story.state.executions.values() if one.cancelling]
    assert len(cancelled) == 3 - done_after
    assert step.state.outcome is None


def test_the_status_can_be_asked_for() -> None:
    here = {"path": "workflow.status", "op": "eq", "value": "Automatic processing"}
    set_status = {"block": "set_status", "name": "status", "status": "Automatic processing"}
    story = Story(set_status, {"block": "if", "name": "still", "branches": [branch(say("yes"), condition=here)]})
    story.go()
    assert (story.said, story.state.status) == (["yes"], "Automatic processing")


def test_parameters_can_be_named() -> None:
    story = Story(say("greet", "{{ param.word }}"), params={"word": "Welcome"}, parameters={"word": {"type": "string"}})
    story.go()
    assert story.said == ["Welcome"]
