"""Workflows that are driven by their status."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from rule_engine.blocks.statuses import StatusesOptions
from support.runs import T0
from support.workflows import Story, branch, note, say

DAY = {"when": "after", "days": 1}


def approval(**entered: Any) -> dict[str, Any]:
    """A request that is approved, rejected, or escalated after a day."""
    return {
        "block": "statuses",
        "name": "request",
        "statuses": [
            {
                "name": "open",
                "title": "Open",
                "commands": [{"name": "approve", "to": "approved"}, {"name": "reject", "to": "rejected"}],
                "after": DAY,
                "then": "escalated",
            },
            {"name": "approved"},
            {"name": "rejected"},
            {"name": "escalated", "commands": [{"name": "approve", "to": "approved"}]},
        ],
        "branches": [
            branch(note("greeting", "hello"), name="open"),
            branch(say("goodbye"), name="open.exit"),
            branch(say("congratulate"), name="approved"),
        ],
    }


def test_a_command_leads_from_status_to_status_with_what_is_done_on_leaving_and_entering() -> None:
    story = Story(approval(), say("after", "{{ steps.request.status }}"))
    story.go()
    assert (story.state.status, story.said) == ("open", [])
    assert story.journal[-1] == ("request", "waiting", "is Open")
    story.receive("command.ship")
    assert story.state.status == "open"
    story.receive("command.approve")
    assert story.said == ["goodbye"]
    story.done("goodbye")
    assert (story.state.status, story.said) == ("approved", ["goodbye", "congratulate"])
    story.done("congratulate")
    assert story.said[-1] == "approved"


def test_a_status_is_left_after_its_time() -> None:
    story = Story(approval())
    assert story.go().wake_at == T0 + timedelta(days=1)
    story.after(days=1)
    story.done("goodbye")
    assert (story.state.status, story.wake_at) == ("escalated", None)
    story.receive("command.reject")
    assert story.state.status == "escalated"
    story.receive("command.approve")
    assert story.state.status == "approved"


def test_a_command_that_comes_twice_leads_on_once() -> None:
    story = Story(approval())
    story.go()
    step = story.receive("command.approve")
    assert len(step.emissions) == 1
    story.receive("command.approve")
    assert story.said == ["goodbye"]


def test_what_is_done_on_entering_may_set_the_next_status() -> None:
    on = {"block": "set_status", "name": "on", "status": "b"}
    statuses = [{"name": "a", "commands": [{"name": "x", "to": "b"}]}, {"name": "b"}]
    story = Story({"block": "statuses", "name": "s", "statuses": statuses, "branches": [branch(on, name="a")]})
    story.go()
    assert (story.state.status, story.state.outcome) == ("b", "done")


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ({"name": "a", "commands": [{"name": "x", "to": "c"}]}, "there is no status 'c'"),
        ({"name": "a", "after": DAY}, "after and then go together"),
    ],
)
def test_what_leads_nowhere_is_refused(status: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        StatusesOptions.model_validate({"statuses": [status]})
