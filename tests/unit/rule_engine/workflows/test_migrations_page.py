"""docs/migrations.md: what its example says is what happens."""

import re
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
import yaml

from contracts.messages.results import CommandDone
from local_stack.layout import WORKSPACE
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.migration import Target, migrate
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import RunFacts
from rule_engine.domain.execution.workflows import begin_workflow
from rule_engine.domain.schedule.due import times_in
from rule_engine.rules import REGISTRY, RUNNABLE
from support.shop import DEAL, NOON, SCHEMA, deal

PAGE = (WORKSPACE / "docs/migrations.md").read_text()
FIRST, SECOND = (
    WorkflowDocument.model_validate(yaml.safe_load(one)["spec"])
    for one in re.findall(r"```yaml\n(kind: workflow\n.*?)```", PAGE, re.DOTALL)
)
RUN = UUID(int=99)
NUMBERS = count()
SEEN = deal()
ENTRY = Entry(DEAL, SEEN.item.entry_seq, NOON, SEEN.item)


def program(document: WorkflowDocument, *before: WorkflowDocument) -> tuple[Program, WorkflowDocument]:
    identified = with_block_ids(document, before, lambda: UUID(int=next(NUMBERS)))
    return compile_workflow("example", identified, SCHEMA, REGISTRY, BLOCKS).bound(BLOCKS), identified


def until(made: Program, state: State, end: timedelta) -> tuple[State, list[str]]:
    """The state so long after the start, when every command is done at once, and the texts that were sent."""
    said, now = [], NOON
    while True:
        step = advance(made, state, ENTRY, SEEN, now, RunFacts(RUN, RUNNABLE))
        for emission in step.emissions:
            said.append(emission.body.model_dump()["text"])
            done = CommandDone(command_id=emission.command_id, outputs={})
            step = settle(made, step.state, emission.command_id, done, now, RUNNABLE)
        state = step.state
        if step.wake_at is None or step.wake_at > NOON + end:
            return state, said
        now = max(now, step.wake_at)


def test_the_run_of_the_example_says_what_the_page_says() -> None:
    old, first = program(FIRST)
    new, _ = program(SECOND, first)
    state, said = until(old, begin_workflow(old, {}, {}, "user:ann", NOON), timedelta(days=1))
    target = Target(new, 2, ENTRY, SEEN.item, times_in(SEEN), NOON + timedelta(days=1))
    moved = migrate(old, state, target)
    assert moved.step.wake_at == NOON + timedelta(days=3)
    state, more = until(new, moved.step.state, timedelta(days=3))
    (told,) = re.findall(r"\n→ ([^\n]*)\n", PAGE)
    assert (said + more, state.outcome) == (re.findall(r"`([^`]*)`", told), "done")


def test_the_version_without_the_pause_leaves_it_alone() -> None:
    old, first = program(FIRST)
    without = FIRST.model_copy(update={"blocks": (FIRST.blocks[0], FIRST.blocks[2])})
    state, _ = until(old, begin_workflow(old, {}, {}, "user:ann", NOON), timedelta(days=1))
    target = Target(program(without, first)[0], 3, ENTRY, SEEN.item, times_in(SEEN), NOON)
    with pytest.raises(NotMovableError) as refusal:
        migrate(old, state, target)
    assert f"`{refusal.value}`" in PAGE
