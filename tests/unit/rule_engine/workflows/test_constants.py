"""Constants of a workflow: checked when it is published, unchanged while a run goes on, and before the tenant's."""

from typing import Any

import pytest

from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.language.variables import Definition, VariableDocument
from support.runs import REGISTRY
from support.shop import SCHEMA
from support.workflows import Story, branch, compiled, document, say

WORD = {"word": {"type": "string", "value": "Hello"}}
TENANTS = [
    Definition("constant", "word", VariableDocument(type="int", value=7)),
    Definition("constant", "theirs", VariableDocument(type="int", value=8)),
]


def issues(*blocks: dict[str, Any], **rest: Any) -> list[tuple[str, str]]:
    check = WorkflowCheck(document(*blocks, **rest), SCHEMA, REGISTRY, BLOCKS, TENANTS, UNASKED)
    return [(one.where, one.what) for one in check.issues()]


def test_texts_conditions_and_expressions_name_them() -> None:
    constants = WORD | {"most": {"type": "int", "value": "2"}, "days": {"type": "date", "multiple": True, "value": []}}
    constants |= {"days": {"type": "date", "multiple": True, "value": ["2026-03-02", "2026-03-09"]}}
    chosen = {"block": "if", "name": "i", "branches": [branch(say("b"), condition={"expr": "const.most == 2"})]}
    each = {"block": "foreach", "name": "f", "values": {"path": "const.days"}, "blocks": [say("c", "{{ loop.value }}")]}
    story = Story(say("a", "{{ const.word }} {{ const.most }}", on_failure="continue"), chosen, constants=constants)
    story.go()
    story.done("a")
    assert story.said == ["Hello 2", "b"]
    other = Story(each, constants=constants)
    other.go()
    other.done("c")
    assert other.said == ["2026-03-02", "2026-03-09"]


def test_a_run_needs_the_tenants_only_when_it_names_one_of_them() -> None:
    assert compiled(document(say("a", "{{ const.word }}"), constants=WORD)).stored is False


def test_own_ones_hide_the_tenants_and_leave_the_others() -> None:
    text = say("a", "{{ const.word | upcase }} {{ const.theirs }}")
    assert issues(text, constants=WORD) == []
    ((where, what),) = issues(say("a", "{{ const.ghost }}"), constants=WORD)
    assert where == "blocks[0].params.text"
    assert "ghost" in what


@pytest.mark.parametrize(
    ("constant", "what"),
    [
        ({"type": "int", "value": "many"}, "takes a whole number"),
        ({"type": "string"}, "a constant has a value: nothing gives it one later"),
        ({"type": "list", "options": ["a"], "value": "b"}, "takes one of its options"),
    ],
)
def test_a_value_that_does_not_fit_or_is_missing_is_refused(constant: dict[str, Any], what: str) -> None:
    assert issues(say("a"), constants={"word": constant}) == [("constants.word.value", what)]


def test_a_concurrency_key_names_the_own_ones_alone() -> None:
    assert issues(say("a"), constants=WORD, concurrency={"key": "{{ const.word }}"}) == []
    ((where, what),) = issues(say("a"), constants=WORD, concurrency={"key": "{{ const.theirs }}"})
    assert (where, what) == (
        "concurrency.key",
        "a concurrency key names the item, parameters and the workflow's own constants alone",
    )


def test_no_block_sets_one() -> None:
    block = {"block": "set_variables", "name": "s", "values": {"word": "Bye"}}
    story = Story(block, say("a", "{{ const.word }} {{ local.word }}"), constants=WORD, variables=WORD)
    story.go()
    assert story.said == ["Hello Bye"]
