"""Every block's example can be published, and its mistake is told."""

import pytest
from pydantic import ValidationError

from contracts.issues import issues_of
from rule_engine.blocks import BLOCKS
from rule_engine.blocks.examples import load_examples
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_document import ACTION, WorkflowDocument
from rule_engine.rules import REGISTRY
from support.shop import SCHEMA
from support.workflows import document

EXAMPLES = load_examples()
OWN = {"title": {"type": "string", "value": ""}}


def issues(**block: object) -> list[str]:
    """What is said of a workflow of this block."""
    try:
        written = document(block, variables=OWN)
    except ValidationError as error:
        return [f"{where} {what}" for where, what in issues_of(error, WorkflowDocument)]
    found = WorkflowCheck(written, SCHEMA, REGISTRY, BLOCKS, (), UNASKED).issues()
    return [f"{one.where} {one.what}" for one in found]


def test_every_block_that_authors_write_has_an_example() -> None:
    assert EXAMPLES.keys() == {ACTION, *(name for name, one in BLOCKS.items() if one.written)}


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_can_be_published_and_its_mistake_is_told(block: str) -> None:
    example = EXAMPLES[block]
    assert example.block["block"] == block
    assert issues(**example.block) == []
    told = issues(**example.block | example.issue.params)
    assert len(told) == 1, told
    assert example.issue.says in told[0]
