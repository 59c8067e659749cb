"""docs/workflows.md: every example can be published, and sends what the page says."""

import re
from collections.abc import Iterator
from itertools import count
from uuid import UUID

import pytest
import yaml

from contracts.messages.results import CommandDone
from local_stack.layout import WORKSPACE
from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import ACTION, WorkflowDocument
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts
from rule_engine.domain.execution.workflows import begin_workflow
from rule_engine.rules import REGISTRY, RUNNABLE
from support.shop import DEAL, NOON, SCHEMA, deal

PAGE = (WORKSPACE / "docs/workflows.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(kind: workflow\n.*?)```\n→ ([^\n]*)\n", PAGE, re.DOTALL)
RUN = UUID(int=99)


@pytest.mark.parametrize(("written", "said"), EXAMPLES, ids=[yaml.safe_load(one)["code"] for one, _ in EXAMPLES])
def test_an_example_can_be_published_and_sends_what_the_page_says(written: str, said: str) -> None:
    spec = {name: value for name, value in yaml.safe_load(written)["spec"].items() if name != "publish"}
    document = WorkflowDocument.model_validate(spec)
    check = WorkflowCheck(document, SCHEMA, REGISTRY, BLOCKS, (), UNASKED)
    assert (check.issues(), check.warnings()) == ([], [])
    assert list(sent(document)) == re.findall(r"`([^`]*)`", said)


def sent(document: WorkflowDocument) -> Iterator[str]:
    """The texts that are sent when every command is done at once, and nobody says anything."""
    numbers = count()
    identified = with_block_ids(document, [], lambda: UUID(int=next(numbers)))
    program = compile_workflow("example", identified, SCHEMA, REGISTRY, BLOCKS).bound(BLOCKS)
    variables = {name: one.value for name, one in document.variables.items()}
    state = begin_workflow(program, {}, variables, "user:ann", NOON)
    seen, now = deal(), NOON
    entry = Entry(DEAL, seen.item.entry_seq, NOON, seen.item)
    while not state.finished:
        step = advance(program, state, entry, seen, now, RunFacts(RUN, RUNNABLE))
        for emission in step.emissions:
            if text := emission.body.model_dump().get("text"):
                yield text
            done = CommandDone(command_id=emission.command_id, outputs={})
            step = settle(program, step.state, emission.command_id, done, now, RUNNABLE)
        state = step.state
        assert state.finished or step.wake_at is not None, "it waits for ever"
        now = max(now, step.wake_at or now)


def test_the_page_lists_every_block() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ", PAGE.split("## Blocks")[1].split("## Driven")[0], re.MULTILINE)
    assert set(rows) | people() == {ACTION, *(name for name, one in BLOCKS.items() if one.written)}


def people() -> set[str]:
    """Blocks that wait for people have a page of their own."""
    text = (WORKSPACE / "docs/workflows-people.md").read_text()
    return set(re.findall(r"`([a-z_]+)`", text)) & BLOCKS.keys()
