"""What each block does on the core that runs it: from what is written to what is sent and what the journal says."""

from datetime import timedelta

import pytest

from contracts.contexts import ItemContext
from rule_engine.domain.execution.state import ROOT
from support.runs import T0, context, snapshot
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


def test_if_passes_when_no_branch_holds() -> None:
    story = Story({"block": "if", "name": "which", "branches": [branch(say("busy"), condition=BUSY)]}, say("after"))
    story.go()
    assert story.said == ["after"]
    assert ("which", "skipped", "no condition was true") in story.journal


def test_outputs_inside_a_block_can_be_named_after_it() -> None:
    inner = branch(note("greeting", "Good day"), condition=QUIET)
    story = Story({"block": "if", "name": "which", "branches": [inner]}, say("after", "{{ steps.greeting.said }}!"))
    story.go()
    assert story.said == ["Good day!"]


def test_while_counts_with_a_variable_of_the_workflow_and_leaves_nothing_in_the_state() -> None:
    counted = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}
    loop = {
        "block": "while",
        "name": "five_times",
        "condition": {"path": "local.n", "op": "lt", "value": 5},
        "blocks": [note("turn", "{{ loop.index }}"), counted],
    }
    story = Story(
        loop, say("after", "{{ local.n }} {{ steps.turn.said }}"), variables={"n": {"type": "int", "value": 0}}
    )
    story.go()
    assert story.said == ["5 4"]
    assert [reason for name, state, reason in story.journal if name == "turn"] == [None] * 5
    assert (len(story.state.frames), len(story.state.executions)) == (1, 1)


def test_a_loop_that_comes_to_its_limit_fails_the_workflow_with_the_reason() -> None:
    loop = {"block": "while", "name": "again", "condition": QUIET, "limit": 3, "blocks": [note("turn", "x")]}
    story = Story(loop, say("never"))
    story.go()
    assert (story.state.outcome, story.state.reason) == ("failed", "the loop has come to its limit of 3 turns")
    assert story.said == []


def test_what_fails_inside_a_branch_fails_the_workflow() -> None:
    loop = {"block": "while", "name": "again", "condition": QUIET, "limit": 3, "blocks": [note("turn", "x")]}
    story = Story({"block": "if", "name": "which", "branches": [branch(loop)]}, say("never"))
    story.go()
    assert (story.state.outcome, story.state.reason) == ("failed", "the loop has come to its limit of 3 turns")
    assert story.said == []


def test_foreach_runs_for_each_value_in_order() -> None:
    loop = {"block": "foreach", "name": "each", "values": ["a", "b", "c"], "blocks": [say("tell", "{{ loop.value }}")]}
    story = Story(loop)
    story.go()
    for _ in range(3):
        story.done("tell")
    assert (story.said, story.state.outcome) == (["a", "b", "c"], "done")


def test_foreach_side_by_side_starts_all_and_ends_with_the_last() -> None:
    loop = {
        "block": "foreach",
        "name": "each",
        "values": {"expr": "['a', 'b', 'c']"},
        "order": "side_by_side",
        "blocks": [say("tell", "{{ loop.value }}")],
    }
    story = Story(loop)
    step = story.go()
    assert story.said == ["a", "b", "c"]
    for emission in step.emissions:
        story.commands["tell"] = emission.command_id
        assert not story.state.finished
        story.done("tell")
    assert story.state.outcome == "done"


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


def test_a_pause_waits_and_goes_on_at_its_moment() -> None:
    story = Story({"block": "pause", "name": "a_week", "run": SEVEN_DAYS}, say("after"))
    assert story.go().wake_at == T0 + timedelta(days=7)
    story.after(days=6)
    assert story.said == []
    story.after(days=1)
    assert story.said == ["after"]


def waiting(**options: object) -> Story:
    wait = {
        "block": "wait_event",
        "name": "answer",
        "event": "command.approve",
        "timeout": SEVEN_DAYS,
        "branches": [branch(say("yes"), name="received"), branch(say("late"), name="timed_out")],
        **options,
    }
    story = Story(wait, say("after"))
    story.go()
    return story


def test_what_is_waited_for_takes_one_branch_and_the_time_out_the_other() -> None:
    story = waiting()
    story.receive("command.reject")
    assert story.said == []
    story.receive("command.approve", by="ann")
    assert story.said == ["yes"]
    late = waiting()
    late.after(days=7)
    assert late.said == ["late"]
    late.receive("command.approve")
    assert late.said == ["late"]


def test_only_events_that_the_condition_holds_for_are_taken() -> None:
    story = waiting(condition={"path": "event.amount", "op": "gt", "value": 100})
    story.receive("command.approve", amount=50)
    assert story.said == []
    story.receive("command.approve", amount=500)
    assert story.said == ["yes"]


def test_terminate_ends_everything_and_asks_for_what_is_under_way() -> None:
    asked = {"block": "wait_event", "name": "asked", "event": "command.stop", "timeout": SEVEN_DAYS}
    ending = branch(asked, {"block": "terminate", "name": "stop", "reason": "{{ item.title }} is gone"})
    both = {"block": "parallel", "name": "both", "branches": [branch(say("one")), ending]}
    story = Story(both, say("never"))
    story.go()
    step = story.receive("command.stop")
    assert (story.state.outcome, story.state.reason) == ("cancelled", "An oak table is gone")
    assert step.cancellations == (story.commands["one"],)
    assert not story.state.finished
    story.refused("one", "cancelled")
    assert (story.state.finished, story.said) == (True, ["one"])


def test_the_status_can_be_asked_for() -> None:
    here = {"path": "workflow.status", "op": "eq", "value": "Automatic processing"}
    set_status = {"block": "set_status", "name": "status", "status": "Automatic processing"}
    story = Story(set_status, {"block": "if", "name": "still", "branches": [branch(say("yes"), condition=here)]})
    story.go()
    assert (story.said, story.state.status) == (["yes"], "Automatic processing")


def test_a_failed_action_holds_its_branch_alone() -> None:
    both = {"block": "parallel", "name": "both", "branches": [branch(say("one"), say("then")), branch(say("two"))]}
    story = Story(both, say("after"))
    story.go()
    story.failed("one", "the provider is away")
    story.done("two")
    assert (story.said, story.state.outcome, story.wake_at) == (["one", "two"], None, None)


def test_a_block_whose_values_cannot_be_used_is_held_with_the_reason() -> None:
    divided = {"block": "set_variables", "name": "share", "values": {"n": {"expr": "1 / local.n"}}}
    story = Story(divided, say("after"), variables={"n": {"type": "int", "value": 0}})
    story.go()
    assert story.said == []
    assert story.state.frames[max(story.state.frames)].held is not None
    assert story.journal[-1][:2] == ("share", "failed")
    assert ROOT in story.state.frames


def test_parameters_can_be_named() -> None:
    story = Story(say("greet", "{{ param.word }}"), params={"word": "Welcome"}, parameters={"word": {"type": "string"}})
    story.go()
    assert story.said == ["Welcome"]


def in_time(then: str = "cancel") -> Story:
    work, late = branch(say("work"), name="work"), branch(say("escalate"), name="late")
    within = {"when": "after", "hours": 2}
    deadline = {"block": "deadline", "name": "d", "within": within, "then": then, "branches": [work, late]}
    story = Story(deadline, say("after", "{{ steps.d.late }}"))
    story.go()
    return story


def test_what_is_done_in_time_needs_no_escalation() -> None:
    story = in_time()
    story.done("work")
    assert story.said == ["work", "false"]


def test_what_is_late_is_cancelled_and_escalated() -> None:
    story = in_time()
    step = story.after(hours=2)
    assert (story.said, step.cancellations) == (["work", "escalate"], (story.commands["work"],))
    story.done("escalate")
    assert story.said == ["work", "escalate", "true"]


def test_what_is_late_may_go_on_beside_its_escalation() -> None:
    story = in_time("go_on")
    assert story.after(hours=2).cancellations == ()
    story.done("escalate")
    assert story.said == ["work", "escalate"]
    story.done("work")
    assert story.said == ["work", "escalate", "true"]
