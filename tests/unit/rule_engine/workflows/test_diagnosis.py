"""What a run waits for, and what to try next."""

from dataclasses import replace
from datetime import timedelta

from contracts.messages.results import CommandProgress
from rule_engine.domain.execution.advance import settle
from rule_engine.domain.execution.diagnosis import AskedEmployee, Diagnosis, Finding, Look, SentCommand
from rule_engine.domain.execution.workflows import suspend
from support.runs import REGISTRY, T0
from support.workflows import Story, branch, say

WEEK = {"when": "after", "days": 7}
WAIT = timedelta(minutes=10)


def diagnosed(story: Story, *, failures: int = 0, late: timedelta = timedelta(0)) -> list[Finding]:
    sent = {id: SentCommand("comms-service", story.now) for id in story.commands.values()}
    look = Look(story.wake_at, failures)
    return Diagnosis(story.program, story.state, story.now + late, look, sent, timedelta(minutes=10)).findings()


def with_command(story: Story, **known: object) -> Finding:
    """What is found of the one command of a run when more is known of it."""
    (id,) = story.commands.values()
    sent = {id: replace(SentCommand("comms-service", story.now), **known)}  # type: ignore[arg-type]
    at = story.now + timedelta(hours=1)
    (found,) = Diagnosis(story.program, story.state, at, Look(None), sent, timedelta(minutes=10)).findings()
    return found


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


def test_a_command_that_the_broker_refuses_and_a_result_that_was_put_aside_come_before_one_that_is_overdue() -> None:
    story = Story(say("tell"))
    story.go()
    overdue = with_command(story)
    parked = with_command(story, parked="MessageSizeTooLargeError")
    put_aside = with_command(story, put_aside=2)
    assert parked.what == "the broker does not take its command: MessageSizeTooLargeError"
    assert "stack dlq parked" in parked.remedy
    assert put_aside.what == "2 messages about the item could not be taken in, maybe its result"
    assert "stack dlq list --service rule-engine" in put_aside.remedy
    assert [one.urgency for one in (parked, put_aside, overdue)] == [1, 1, 2]
    assert {one.since for one in (parked, put_aside, overdue)} == {T0}


def test_what_the_owner_says_of_a_command_is_told_and_it_is_not_overdue() -> None:
    """A used-up limit, a provider that is away: the owner has it, and says so."""
    story = Story(say("tell"))
    story.go()
    (id,) = story.commands.values()
    waits = CommandProgress(command_id=id, state="waiting for the provider")
    story.take(settle(story.program, story.state, id, waits, story.now, REGISTRY))
    found = with_command(story)
    assert (found.urgency, found.what.endswith("(waiting for the provider)")) == (4, True)


ASK = {
    "block": "acknowledge",
    "name": "read_it",
    "subject": "Read this",
    "assignees": ["sam", "warehouse"],
    "timeout": WEEK,
    "branches": [branch(say("read"), name="acknowledged"), branch(say("unread"), name="timed_out")],
}


def test_who_has_not_answered_is_named_and_who_is_absent_makes_it_urgent() -> None:
    story = Story(ASK)
    story.go()
    (step,) = {one.step for one in story.open.values()}

    def found(*asked: AskedEmployee) -> Finding:
        diagnosis = Diagnosis(story.program, story.state, T0, Look(story.wake_at), {}, WAIT, {step: asked})
        return diagnosis.findings()[0]

    both = found(AskedEmployee("Sam"), AskedEmployee("Wes"))
    assert (both.urgency, both.what, both.since) == (
        3,
        "it waits for Sam and Wes, until 2026-03-09T09:00:00+00:00 at the latest",
        T0,
    )
    away = found(AskedEmployee("Sam"), AskedEmployee("Wes", T0 + timedelta(days=3)))
    absent = "absent: Wes until 2026-03-05T09:00:00+00:00"
    assert (away.urgency, away.what.split("; ")[1]) == (2, f"{absent} (nobody answers for them)")
    assert away.remedy == "delegate it to somebody who is there, answer for them, or skip it"
    covered = found(AskedEmployee("Wes", T0 + timedelta(days=3), "Sam"))
    assert (covered.urgency, covered.what.split("; ")[1]) == (3, f"{absent} (Sam answers for them)")
