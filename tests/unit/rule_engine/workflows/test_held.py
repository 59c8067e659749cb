"""How workflows end, and what holds them."""

from datetime import timedelta

import pytest

from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.advance import advance
from rule_engine.domain.execution.operator_actions import retry as retry_rule
from rule_engine.domain.execution.state import ROOT, Entry
from rule_engine.domain.execution.step import RunFacts
from rule_engine.domain.execution.workflows import resume, retry, skip, suspend, terminate
from support.runs import REGISTRY, RUN, T0
from support.workflows import Story, branch, note, say

QUIET = {"path": "item.activity_count", "op": "eq", "value": 0}


SEVEN_DAYS = {"when": "after", "days": 7}


def test_what_fails_inside_a_branch_fails_the_workflow() -> None:
    loop = {"block": "while", "name": "again", "condition": QUIET, "limit": 3, "blocks": [note("turn", "x")]}
    story = Story({"block": "if", "name": "which", "branches": [branch(loop)]}, say("never"))
    story.go()
    assert (story.state.outcome, story.state.reason) == ("failed", "the loop has come to its limit of 3 turns")
    assert story.said == []


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


def test_what_a_condition_that_could_not_be_evaluated_has_read_is_kept_and_it_is_tried_again() -> None:
    which = {"block": "if", "name": "which", "branches": [branch(say("yes"), condition={"expr": "1 / local.n > 0"})]}
    story = Story(which, variables={"n": {"type": "int", "value": 0}})
    story.go()
    (failed,) = story.chosen
    assert (failed.choice, failed.seen) == (None, {"local.n": 0})
    assert failed.reason == story.journal[-1][2]
    story.state = story.state.to(variables={"n": 1})
    story.take(retry(story.program, story.state, failed.step, story.now))
    story.go()
    assert [one.choice for one in story.chosen] == [None, "1"]
    assert story.said == ["yes"]


def test_a_held_action_is_tried_again_or_skipped_and_its_branch_goes_on() -> None:
    for what, said in ((retry, ["one", "one", "then"]), (skip, ["one", "then"])):
        story = Story(say("one"), say("then"))
        story.go()
        story.failed("one")
        (held,) = story.state.executions.values()
        story.take(what(story.program, story.state, held.step, story.now))
        story.go()
        if what is retry:
            story.done("one")
        assert story.said == said


def test_what_a_workflow_has_gone_on_after_is_not_tried_again() -> None:
    story = Story(say("one", on_failure="continue"), say("then"))
    story.go()
    story.failed("one")
    step = next(one.step for one in story.state.executions.values() if one.state == "failed")
    with pytest.raises(RunError, match="holds its branch"):
        retry(story.program, story.state, step, story.now)
    rule_id = story.state.executions[step].rule_id
    with pytest.raises(RunError, match="gone on"):
        retry_rule(story.program, story.state, rule_id, story.now)


def test_a_workflow_that_was_ended_stays_so_whatever_is_tried_again() -> None:
    story = Story(say("one"), say("then"))
    story.go()
    story.failed("one")
    (held,) = story.state.executions.values()
    story.take(terminate(story.program, story.state, "enough", story.now))
    for act in (retry, skip):
        with pytest.raises(RunError, match="has ended"):
            act(story.program, story.state, held.step, story.now)
    with pytest.raises(RunError, match="has ended"):
        retry_rule(story.program, story.state, held.rule_id, story.now)


def test_nothing_begins_while_a_workflow_is_suspended_whoever_looks_at_it() -> None:
    story = Story({"block": "pause", "name": "a_week", "run": SEVEN_DAYS}, say("after"))
    story.go()
    story.take(suspend(story.program, story.state, story.now))
    story.now += timedelta(days=30)
    story.go()
    assert (story.said, story.wake_at) == ([], None)
    story.take(resume(story.program, story.state, story.now))
    story.go()
    assert story.said == ["after"]


def test_a_workflow_that_is_looked_at_with_nothing_to_decide_goes_on_waiting() -> None:
    """The engine looks now and then, and asks for the item only when something is to be decided."""
    story = Story(say("one"), say("then"))
    story.go()
    for what in (lambda: None, lambda: story.failed("one")):
        what()
        entry = Entry(story.item.item.id, 1, T0, story.item.item)
        facts = RunFacts(RUN, REGISTRY)
        looked = advance(story.program, story.state, entry, None, story.now + timedelta(days=30), facts)
        assert looked.state == story.state


def test_a_workflow_whose_item_is_gone_ends_when_it_is_to_decide() -> None:
    story = Story({"block": "pause", "name": "a_week", "run": SEVEN_DAYS}, say("after"))
    story.go()
    entry = Entry(story.item.item.id, 1, T0, story.item.item)
    step = advance(story.program, story.state, entry, None, T0 + timedelta(days=7), RunFacts(RUN, REGISTRY))
    assert (step.state.outcome, step.state.reason, step.emissions) == ("cancelled", "the item was deleted", ())
