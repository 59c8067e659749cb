"""Blocks that wait: for a moment, or for something to come."""

from datetime import timedelta

from support.runs import T0
from support.workflows import Story, branch, say

SEVEN_DAYS = {"when": "after", "days": 7}


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


def test_the_journal_keeps_which_events_were_looked_at_and_why_they_did_not_count() -> None:
    story = waiting(condition={"path": "event.by", "op": "eq", "value": "ann"})
    story.receive("command.approve", by="ben")
    story.receive("command.approve", by="ann")
    assert [(one.choice, one.seen) for one in story.chosen] == [
        ("wait on", {"event.by": "ben"}),
        ("received", {"event.by": "ann"}),
    ]


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
