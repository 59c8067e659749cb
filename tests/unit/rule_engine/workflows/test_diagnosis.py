"""What a run waits for, and what to try next."""

from datetime import timedelta

from rule_engine.domain.execution.diagnosis import Diagnosis, Finding, Look, SentCommand
from rule_engine.domain.execution.workflows import suspend
from support.runs import T0
from support.workflows import Story, branch, say

WEEK = {"when": "after", "days": 7}


def diagnosed(story: Story, *, failures: int = 0, late: timedelta = timedelta(0)) -> list[Finding]:
    sent = {id: SentCommand("comms-service", story.now) for id in story.commands.values()}
    look = Look(story.wake_at, failures)
    return Diagnosis(story.program, story.state, story.now + late, look, sent, timedelta(minutes=10)).findings()


def told(found: list[Finding]) -> list[tuple[int, str | None, str]]:
    return [(one.urgency, one.name, one.what) for one in found]


def test_what_a_person_must_end_comes_before_what_ends_by_itself() -> None:
    broken = {"block": "set_variables", "name": "share", "values": {"n": {"expr": "1 / local.n"}}}
    wait = {"block": "wait_event", "name": "answer", "event": "command.go", "timeout": WEEK}
    pause = {"block": "pause", "name": "a_week", "run": WEEK}
    branches = [branch(pause), branch(wait), branch(say("tell")), branch(broken), branch(say("fails"))]
    story = Story(
        {"block": "parallel", "name": "all", "branches": branches}, variables={"n": {"type": "int", "value": 0}}
    )
    story.go()
    story.failed("fails", "no address")
    assert told(diagnosed(story)) == [
        (0, "share", "it cannot go on: params.value: the expression cannot be computed: it divides by zero"),
        (0, "fails", "it failed: no address"),
        (3, "answer", "it waits for command.go, until 2026-03-09T09:00:00+00:00 at the latest"),
        (4, "tell", "its command is with comms-service since 2026-03-02T09:00:00+00:00"),
        (5, "a_week", "it waits until 2026-03-09T09:00:00+00:00"),
    ]


def test_a_result_that_is_overdue_names_its_owner() -> None:
    story = Story(say("tell"))
    story.go()
    (found,) = diagnosed(story, late=timedelta(minutes=11))
    assert (found.urgency, found.name) == (2, "tell")
    assert found.what.endswith("longer than it should be")
    assert found.remedy.startswith("look at the health of comms-service")


def test_a_run_that_could_not_go_on_says_so_and_a_suspended_one_too() -> None:
    story = Story({"block": "pause", "name": "a_week", "run": WEEK})
    story.go()
    story.take(suspend(story.program, story.state, T0))
    assert [one.what for one in diagnosed(story, failures=3)][:2] == [
        "it is suspended",
        "it could not go on 3 times in a row: a server is away, or a newer release wrote it",
    ]


def test_a_run_that_is_late_says_since_when() -> None:
    story = Story({"block": "pause", "name": "a_week", "run": WEEK})
    story.go()
    found = diagnosed(story, late=timedelta(days=7, minutes=2))
    assert found[0].what == "it should have gone on at 2026-03-09T09:00:00+00:00"


def test_a_finished_run_waits_for_nothing() -> None:
    story = Story({"block": "log", "name": "over", "text": "over"})
    story.go()
    assert diagnosed(story) == []
