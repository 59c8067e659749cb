"""Blocks that ask employees, on the core: who is asked, what their answers decide, reminders, limits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.execution.assignments import answers_to
from rule_engine.domain.execution.state import ROOT
from rule_engine.domain.execution.workflows import move_pause, receive, resume, skip, suspend, terminate
from rule_engine.domain.language.asked import MisfitsError
from support.runs import REGISTRY, T0
from support.shop import SCHEMA, WAREHOUSE
from support.workflows import Story, branch, document, say

SAM = next(one.id for one in SCHEMA.employees if one.code == "sam")
WES = WAREHOUSE.id
ANN, BEN, CAT = (UUID(int=100 + n) for n in range(3))
TWO_DAYS = {"when": "after", "days": 2}


def approve(**options: Any) -> dict[str, Any]:
    return {
        "block": "approve",
        "name": "discount",
        "subject": "A discount for {{ item.title }}",
        "voters": {"path": "param.voters"},
        "branches": [branch(say("yes"), name="approved"), branch(say("no"), name="rejected")],
        **options,
    }


def started(*blocks: dict[str, Any], voters: Sequence[Any] = (ANN, BEN, CAT), **context_changes: Any) -> Story:
    """A run in which the first block has begun; `voters` is the parameter that approvals name."""
    asked = {"voters": {"type": "user", "multiple": True}}
    story = Story(*blocks, parameters=asked, params={"voters": [str(one) for one in voters]})
    story.item = story.item.model_copy(update=context_changes)
    story.go()
    return story


def voting(**options: Any) -> Story:
    """A run in which three people vote."""
    return started(approve(**options), say("after"))


def test_voters_are_named_by_code_by_path_and_once_each() -> None:
    story = started(approve(voters=["sam", {"path": "param.voters"}]), voters=[SAM, ANN])
    assert sorted(story.open) == sorted([SAM, ANN])
    ask = story.open[SAM].ask
    assert (ask.subject, ask.choices, ask.due_at) == ("A discount for An oak table", ("approve", "reject"), None)
    assert story.journal[-1] == ("discount", "waiting", "0 of 2 have answered")


def test_a_code_that_no_employee_has_is_told_when_it_is_published() -> None:
    check = WorkflowCheck(document(approve(voters=["sam", "smm"])), SCHEMA, REGISTRY, BLOCKS, (), UNASKED)
    (issue,) = check.issues()
    assert (issue.where, issue.rule) == ("blocks[0].voters[1]", "discount")
    assert "'smm'" in issue.what


@pytest.mark.parametrize(
    ("quorum", "votes", "said"),
    [
        ("all", "yyy", "yes"),
        ("all", "n", "no"),
        ("all", "yyn", "no"),
        ("any", "y", "yes"),
        ("any", "nny", "yes"),
        ("any", "nnn", "no"),
        ({"percent": 50}, "yy", "yes"),
        ({"percent": 50}, "yny", "yes"),
        ({"percent": 50}, "nn", "no"),
        ({"percent": 34}, "yny", "yes"),
        ({"percent": 33}, "y", "yes"),
        ({"percent": 67}, "n", "no"),
        ({"percent": 100}, "yyy", "yes"),
    ],
)
def test_the_vote_ends_with_the_first_answer_that_makes_it_certain(quorum: Any, votes: str, said: str) -> None:
    story = voting(quorum=quorum)
    for voter, vote in zip((ANN, BEN, CAT), votes, strict=False):
        assert story.said == []
        story.answer(voter, "approve" if vote == "y" else "reject")
    assert (story.said, story.open) == ([said], {})
    story.done(said)
    assert story.said == [said, "after"]


@pytest.mark.parametrize(("votes", "said"), [("yyy", "yes"), ("ynn", "yes"), ("nnn", "no")])
def test_it_waits_for_all_answers_if_wanted(votes: str, said: str) -> None:
    story = voting(quorum="any", wait_for_all=True)
    for voter, vote in zip((ANN, BEN, CAT), votes, strict=True):
        assert story.said == []
        story.answer(voter, "approve" if vote == "y" else "reject")
    assert story.said == [said]


def test_votes_and_comments_are_outputs_while_it_waits_and_after_it() -> None:
    story = voting()
    step = story.answer(ANN, "approve", "fine")
    (record,) = step.blocks
    assert record.outputs["comments"] == [{"employee": str(ANN), "comment": "fine"}]
    story.answer(BEN, "reject")
    story.done("no")
    outputs = story.outputs("discount")
    assert [(one["employee"], one["approved"]) for one in outputs["votes"]] == [(str(ANN), True), (str(BEN), False)]
    assert (outputs["approved"], outputs["comments"]) == (False, [{"employee": str(ANN), "comment": "fine"}])
    assert ("discount", "done", "1 of 3 approved, 3 needed") in story.journal


def test_when_the_time_is_over_those_who_have_not_answered_have_not_approved() -> None:
    story = voting(quorum={"percent": 60}, timeout=TWO_DAYS)
    assert story.open[ANN].ask.due_at == T0 + timedelta(days=2)
    story.answer(ANN, "approve")
    story.after(days=1)
    assert story.said == []
    story.after(days=1)
    assert (story.said, story.open) == (["no"], {})


def test_what_all_answers_were_waited_for_counts_when_the_time_is_over() -> None:
    story = voting(quorum="any", wait_for_all=True, timeout=TWO_DAYS)
    story.answer(ANN, "approve")
    story.after(days=2)
    assert story.said == ["yes"]


def test_reminders_go_to_those_who_have_not_answered_until_the_limit() -> None:
    hours = [{"when": "after", "hours": hours} for hours in (24, 6, 100)]
    story = voting(timeout=TWO_DAYS, reminders=hours)
    assert story.wake_at == T0 + timedelta(hours=6)
    story.after(hours=6)
    assert story.reminded == 3
    story.answer(ANN, "approve")
    story.after(hours=18)
    assert (story.reminded, story.wake_at) == (5, T0 + timedelta(days=2))
    story.after(days=1)
    assert (story.reminded, story.said) == (5, ["no"])


def test_without_a_limit_it_waits_for_ever_after_the_last_reminder() -> None:
    story = voting(reminders=[TWO_DAYS])
    story.after(days=2)
    assert (story.reminded, story.wake_at, len(story.open)) == (3, None, 3)


@pytest.mark.parametrize(("days", "over_after"), [(1, 1), (9, 9)])
def test_an_operator_shortens_and_lengthens_the_limit(days: int, over_after: int) -> None:
    story = voting(timeout=TWO_DAYS, reminders=[{"when": "after", "hours": 36}])
    step = story.open[ANN].step
    story.take(move_pause(story.program, story.state, step, T0 + timedelta(days=days), T0))
    story.after(days=over_after - 1)
    assert story.said == []
    story.after(days=1)
    assert story.said == ["no"]


def test_an_archived_voter_is_replaced_by_who_gets_their_work() -> None:
    story = started(approve(), reassignments={ANN: BEN, CAT: None})
    assert list(story.open) == [BEN]


@pytest.mark.parametrize(
    ("voters", "reason"), [([], "there is nobody to ask"), (["somebody"], "'somebody' is no employee")]
)
def test_the_block_is_held_while_nobody_can_be_asked(voters: list[str], reason: str) -> None:
    story = started(approve(), voters=voters)
    assert (story.open, story.journal[-1][:2]) == ({}, ("discount", "failed"))
    assert reason in str(story.journal[-1][2])


def test_comments_are_demanded_as_the_block_says() -> None:
    story = voting(comment_required="on_rejection")
    with pytest.raises(MisfitsError, match="comment: is required"):
        story.answer(ANN, "reject", "  ")
    story = voting(comment_required="on_rejection")
    story.answer(ANN, "approve")
    with pytest.raises(MisfitsError, match="comment: is required"):
        voting(comment_required="always").answer(ANN, "approve")
    with pytest.raises(MisfitsError, match="answer with one of approve, reject"):
        voting().answer(ANN, "provide")


def test_assignments_are_withdrawn_when_the_workflow_ends_or_the_block_is_skipped() -> None:
    story = voting()
    story.take(terminate(story.program, story.state, "enough", T0))
    assert (story.open, story.state.outcome) == ({}, "cancelled")
    story = voting()
    story.take(skip(story.program, story.state, story.open[ANN].step, T0))
    story.go()
    assert (story.open, story.said) == ({}, ["after"])


def test_a_branch_that_is_cancelled_withdraws_its_assignments() -> None:
    both = {
        "block": "parallel",
        "name": "both",
        "wait_for": "any",
        "branches": [branch(approve()), branch(say("quick"))],
    }
    story = started(both)
    assert len(story.open) == 3
    story.done("quick")
    assert (story.open, story.state.outcome) == ({}, "done")


def test_an_answer_to_a_suspended_workflow_counts_when_it_is_resumed() -> None:
    story = voting(quorum="any")
    story.take(suspend(story.program, story.state, T0))
    said = {"choice": "approve", "comment": "", "values": {}, "employee": str(ANN), "by": "ann", "at": "now"}
    story.take(receive(story.program, story.state, answers_to(story.open[ANN].step), said, T0))
    assert story.wake_at is None
    story.take(resume(story.program, story.state, T0))
    story.go()
    assert story.said == ["yes"]


def test_an_answer_that_comes_twice_counts_once() -> None:
    story = voting(quorum={"percent": 60})
    first = story.open[ANN]
    story.answer(ANN, "approve")
    story.open[ANN] = first
    story.answer(ANN, "approve")
    assert (story.said, story.journal[-1]) == ([], ("discount", "waiting", "1 of 3 have answered"))
    story.answer(BEN, "approve")
    assert story.said == ["yes"]


def test_in_a_loop_every_turn_asks_anew() -> None:
    each = {"block": "foreach", "name": "each", "values": ["a", "b"], "blocks": [approve(branches=[])]}
    story = started(each)
    first = story.open[ANN].step
    for voter in (ANN, BEN, CAT):
        story.answer(voter, "approve")
    assert story.open[ANN].step != first
    for voter in (ANN, BEN, CAT):
        story.answer(voter, "approve")
    assert (story.state.outcome, len(story.state.frames), ROOT in story.state.frames) == ("done", 1, True)


def acknowledging(**options: Any) -> Story:
    block = {
        "block": "acknowledge",
        "name": "rules",
        "subject": "New rules",
        "assignees": ["sam", "warehouse"],
        "timeout": TWO_DAYS,
        "branches": [branch(say("known"), name="acknowledged"), branch(say("late"), name="timed_out")],
        **options,
    }
    story = Story(block)
    story.go()
    return story


@pytest.mark.parametrize(
    ("wait_for", "answers", "said"), [("all", 2, "known"), ("any", 1, "known"), ("all", 1, "late")]
)
def test_acknowledgement_by_all_or_any(wait_for: str, answers: int, said: str) -> None:
    story = acknowledging(wait_for=wait_for)
    for employee in (SAM, WES)[:answers]:
        assert story.said == []
        story.answer(employee, "acknowledge")
    story.after(days=2)
    assert (story.said, story.open) == ([said], {})


FORM = {"budget": {"type": "int", "required": True}, "note": {"type": "string", "value": "none"}}


def requesting(**options: Any) -> Story:
    block = {
        "block": "request_information",
        "name": "budget",
        "subject": "What may it cost?",
        "assignees": ["sam", "warehouse"],
        "fields": FORM,
        "timeout": TWO_DAYS,
        "branches": [
            branch(say("got", "{{ steps.budget.values.budget }} {{ steps.budget.values.note }}"), name="provided"),
            branch(say("refused", "{{ steps.budget.comment }}"), name="refused"),
            branch(say("late"), name="timed_out"),
        ],
        **options,
    }
    story = Story(block)
    story.go()
    return story


def test_the_first_who_fills_in_the_form_ends_the_request() -> None:
    story = requesting()
    with pytest.raises(MisfitsError, match=r"values\.budget: is required"):
        story.answer(SAM, "provide")
    story = requesting()
    with pytest.raises(MisfitsError, match=r"values\.price: the form has no such value"):
        story.answer(SAM, "provide", price=1)
    story = requesting()
    story.answer(SAM, "provide", budget="500")
    assert (story.said, story.open) == (["500 none"], {})


def test_a_request_is_refused_where_that_is_allowed() -> None:
    with pytest.raises(MisfitsError, match="answer with one of provide"):
        requesting().answer(SAM, "refuse")
    story = requesting(refusal=True)
    story.answer(SAM, "refuse", "not mine")
    assert story.said == ["not mine"]


def test_a_request_that_nobody_answers_takes_its_own_branch() -> None:
    story = requesting()
    story.after(days=2)
    assert (story.said, story.open) == (["late"], {})
