"""The examples of docs/workflows-people.md can be published."""

import json
import re
from typing import Any

import pytest

from local_stack.layout import WORKSPACE
from rule_engine.blocks import BLOCKS
from rule_engine.blocks.asking import AsksPeople
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from support.runs import REGISTRY
from support.shop import SCHEMA
from support.workflows import document

PAGE = (WORKSPACE / "docs/workflows-people.md").read_text()
EXAMPLES = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["name"] for one in EXAMPLES])
def test_examples_have_no_issues(example: dict[str, Any]) -> None:
    check = WorkflowCheck(document(example), SCHEMA, REGISTRY, BLOCKS, (), UNASKED)
    assert (check.issues(), check.warnings()) == ([], [])


def test_every_block_that_asks_employees_has_an_example() -> None:
    asking = {name for name, one in BLOCKS.items() if isinstance(one, AsksPeople)}
    assert {one["block"] for one in EXAMPLES} == asking
