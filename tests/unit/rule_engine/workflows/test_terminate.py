"""`terminate`: which runs end, with which status, and what is left of their data."""

from rule_engine.domain.execution.state import ROOT
from rule_engine.domain.execution.step import StopOthers
from rule_engine.domain.execution.workflows import terminate
from support.workflows import Story, ended, note, say

END = {"block": "terminate", "name": "over", "reason": "{{ local.word }}"}
WORD = {"word": {"type": "string", "value": "enough"}}


def test_it_ends_this_run_alone_with_a_last_status() -> None:
    story = Story(END | {"outcome": "done", "status": "said {{ local.word }}"}, say("never"), variables=WORD)
    step = story.go()
    assert (ended(story.state), story.state.status, step.stops) == (("done", True), "said enough", ())
    assert story.state.variables == {"word": "enough"}


def test_it_ends_the_others_and_goes_on_itself() -> None:
    story = Story(END | {"scope": "others", "data": "delete"}, say("goes_on"), variables=WORD)
    step = story.go()
    assert step.stops == (StopOthers(1, "enough", delete_data=True),)
    assert (story.said, story.state.outcome) == (["goes_on"], None)
    assert story.state.variables == {"word": "enough"}


def test_it_ends_all_and_says_which_block_did_when_no_reason_is_given() -> None:
    story = Story({"block": "terminate", "name": "over", "scope": "all"}, say("never"))
    step = story.go()
    assert step.stops == (StopOthers(1, "ended by over of another run", delete_data=False),)
    assert ended(story.state) == ("cancelled", True)


def test_data_is_deleted_with_the_run_and_its_journal_stays() -> None:
    story = Story(note("kept", "a secret"), END | {"data": "delete"}, variables=WORD, params={"of": "somebody"})
    story.go()
    assert story.journal == [("kept", "done", None), ("over", "done", "enough")]
    assert story.state.variables == {}
    assert (story.state.frames[ROOT].names, story.state.frames[ROOT].outputs) == ({}, {})
    assert "secret" not in str(story.state.stored())
    assert "somebody" not in str(story.state.stored())


def test_what_ends_from_outside_deletes_data_when_it_is_told_to() -> None:
    for delete in (False, True):
        story = Story(say("asks"), variables=WORD)
        story.go()
        story.take(terminate(story.program, story.state, "enough", story.now, delete_data=delete))
        assert (story.state.variables == {}) is delete
