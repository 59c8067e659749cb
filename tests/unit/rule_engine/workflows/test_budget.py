"""What an author writes costs no more than it may, whatever it is."""

import pytest
from pydantic import ValidationError

from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_document import MAX_BLOCKS, MAX_DEPTH, WorkflowDocument
from support.hostile import TEXTS
from support.runs import REGISTRY
from support.shop import SCHEMA
from support.workflows import Story, branch, document, note, say


def issues(made: WorkflowDocument) -> list[RuleIssue]:
    return WorkflowCheck(made, SCHEMA, REGISTRY, BLOCKS, (), UNASKED).issues()


def test_as_many_blocks_as_are_allowed_can_be_published_and_one_more_cannot() -> None:
    most = [say(f"b{n}", "{{ item.title }}") for n in range(MAX_BLOCKS)]
    assert issues(document(*most)) == []
    (issue,) = issues(document(*most, say("one_more")))
    assert issue.what == f"a workflow has at most {MAX_BLOCKS} blocks"


def test_blocks_that_are_too_deep_inside_each_other_are_refused() -> None:
    deep = say("inner")
    for n in range(MAX_DEPTH):
        deep = {"block": "if", "name": f"b{n}", "branches": [branch(deep)]}
    (issue,) = issues(document(deep))
    assert issue.what == f"blocks are at most {MAX_DEPTH} deep inside each other"
    for n in range(400):
        deep = {"block": "if", "name": f"more{n}", "branches": [branch(deep)]}
    with pytest.raises(ValidationError):
        document(deep)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_that_take_too_much_work_are_refused_or_hold_the_block_alone(text: str) -> None:
    made = document({"block": "log", "name": "l", "text": text[:5_000]})
    if issues(made):
        return
    both = {
        "block": "parallel",
        "name": "both",
        "branches": [branch({"block": "log", "name": "l", "text": text[:5_000]}), branch(say("tell"))],
    }
    story = Story(both)
    story.go()
    assert story.said == ["tell"]


def test_what_a_loop_puts_out_does_not_grow_beyond_what_is_kept() -> None:
    doubled = {"block": "set_variables", "name": "grow", "values": {"n": {"expr": "local.n + local.n"}}}
    loop = {"block": "while", "name": "l", "condition": {"expr": "true"}, "limit": 100, "blocks": [doubled]}
    story = Story(loop, variables={"n": {"type": "text", "value": "x" * 1000}})
    story.go()
    held = [frame.held for frame in story.state.frames.values() if frame.held]
    assert len(held) == 1
    assert len(str(story.state.stored())) < 1_000_000


def test_a_loop_that_turns_ten_thousand_times_at_once_lets_others_go_on_between_its_steps() -> None:
    loop = {"block": "while", "name": "l", "condition": {"expr": "true"}, "limit": 1_000, "blocks": [note("n", "x")]}
    story = Story(loop)
    steps = 0
    take = story.take

    def counted(step):  # type: ignore[no-untyped-def]
        nonlocal steps
        steps += 1
        assert len(step.decisions) <= 250
        return take(step)

    story.take = counted  # type: ignore[method-assign]
    story.go()
    assert steps >= 4
    assert story.state.outcome == "failed"
