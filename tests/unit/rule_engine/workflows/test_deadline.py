"""Work that must be done in time."""

from support.workflows import Story, branch, say


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
