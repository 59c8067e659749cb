"""An item that is locked for a workflow."""

from uuid import UUID

from contracts.messages.entity_commands import LockItem
from contracts.messages.results import CANCELLED, CommandProgress
from rule_engine.domain.execution.advance import fail, leave, settle
from rule_engine.domain.execution.jumping import jump
from rule_engine.domain.execution.running import DELETED
from rule_engine.domain.execution.step import Step
from rule_engine.domain.execution.workflows import terminate
from support.runs import REGISTRY, RUN
from support.workflows import Story, branch, ended, say


def locking(**options: object) -> tuple[Story, UUID]:
    """A workflow that has asked for the lock, and the command by which it did."""
    branches = [branch(say("work"), name="locked"), branch(say("late"), name="timed_out")]
    story = Story({"block": "lock_item", "name": "l", "branches": branches, **options}, say("after"))
    step = story.go()
    assert [type(one.body) for one in step.emissions] == [LockItem]
    return story, story.commands["l"]


TIMEOUT = {"when": "after", "hours": 2}


def progress(story: Story, command: UUID) -> Step:
    said = CommandProgress(command_id=command, state="waits for workflow 'other'")
    return story.take(settle(story.program, story.state, command, said, story.now, REGISTRY))


def test_the_body_runs_once_the_item_is_locked_and_unlocks_it() -> None:
    story, lock = locking()
    assert story.said == []
    assert story.done("l").unlocked == ()
    assert story.said == ["work"]
    assert story.done("work").unlocked == (lock,)
    assert story.said == ["work", "after"]
    assert story.outputs("l") == {"locked": True}


def test_the_lock_names_its_run_and_workflow() -> None:
    story = Story({"block": "lock_item", "name": "l", "branches": []})
    (emission,) = story.go().emissions
    assert isinstance(emission.body, LockItem)
    assert (emission.body.run_id, emission.body.workflow) == (RUN, "story")


def test_who_waits_says_for_whom() -> None:
    story, lock = locking()
    progress(story, lock)
    (one,) = story.state.executions.values()
    assert (one.state, one.reason) == ("running", "waits for workflow 'other'")


def test_after_its_time_it_goes_on_without_the_lock() -> None:
    story, lock = locking(timeout=TIMEOUT)
    progress(story, lock)
    assert story.after(hours=2).cancellations == (lock,)
    assert story.said == []
    story.refused("l", CANCELLED)
    assert story.said == ["late"]
    story.done("late")
    assert story.outputs("l") == {"locked": False}


def test_a_lock_that_came_at_the_last_moment_counts() -> None:
    story, _ = locking(timeout=TIMEOUT)
    story.after(hours=2)
    story.done("l")
    assert story.said == ["work"]
    story.done("work")
    assert story.outputs("l") == {"locked": True}


def test_a_lock_that_failed_is_waited_for_no_longer_than_its_time() -> None:
    story, _ = locking(timeout=TIMEOUT)
    story.failed("l")
    assert story.said == []
    story.after(hours=2)
    assert story.said == ["late"]


def test_the_end_of_the_run_unlocks_however_it_ends() -> None:
    for end, reason in ((terminate, "enough"), (leave, DELETED), (fail, "a defect")):
        story, lock = locking()
        story.done("l")
        step = end(story.program, story.state, reason, story.now)
        outcome = "failed" if end is fail else "cancelled"
        assert (ended(step.state), step.unlocked) == ((outcome, False), (lock,))


def test_who_is_sent_on_from_the_block_unlocks_and_who_is_sent_back_locks_again() -> None:
    story, lock = locking()
    story.done("l")
    assert story.take(jump(story.program, story.state, "after", "enough", story.now)).unlocked == (lock,)
    story.go()
    assert story.said == ["work", "after"]

    story.take(jump(story.program, story.state, "l", "once more", story.now))
    (emission,) = story.go().emissions
    assert isinstance(emission.body, LockItem)
    assert emission.command_id != lock


def test_one_that_ends_while_it_waits_takes_its_wish_back() -> None:
    story, lock = locking()
    step = terminate(story.program, story.state, "enough", story.now)
    assert (step.cancellations, step.unlocked) == ((lock,), (lock,))
