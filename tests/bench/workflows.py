"""Workflows on the bare core: what a step of a large one costs, and whether a long loop stays flat."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from bench.figures import Row, at_most, p50
from bench.world import World
from contracts.messages.results import CommandDone
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.state import Entry, State, read_state
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.execution.workflows import begin_workflow
from support.runs import REGISTRY, RUN, T0, context
from support.workflows import branch, compiled, note, say

TURNS = 10_000


async def measure(world: World) -> list[Row]:
    with world.report.step("workflows: a step of a large one, a long loop"):
        return [_step(), *_loop()]


class _Run:
    """One run on the core; its state is stored and read again after every step."""

    def __init__(self, *blocks: Mapping[str, Any]) -> None:
        body = {"kind": "deal", "variables": {"n": {"type": "int", "value": 0}}, "blocks": blocks}
        self.program = compiled(WorkflowDocument.model_validate(body))
        self.state: State = begin_workflow(self.program, {}, {"n": 0}, "user:ann", T0)
        self.seen, self.size = context(), 0

    def advance(self) -> Step:
        entry = Entry(self.seen.item.id, 1, T0, self.seen.item)
        return advance(self.program, self.state, entry, self.seen, T0, RunFacts(RUN, REGISTRY))

    def settled(self, id: UUID) -> None:
        self.state = settle(self.program, self.state, id, CommandDone(command_id=id), T0, REGISTRY).state

    def keep(self, step: Step) -> Step:
        stored = step.state.stored()
        self.size = max(self.size, len(str(stored)))
        self.state = read_state(stored, self.program, T0)
        return step


def _step() -> Row:
    """A result is taken in, and the run goes on to its next command: 250 blocks, half of them inside others."""
    blocks: list[Mapping[str, Any]] = []
    for n in range(50):
        inner = branch(say(f"a{n}"), note(f"n{n}", "x"), condition={"expr": "true"})
        blocks += [{"block": "if", "name": f"if{n}", "branches": [inner]}, say(f"s{n}")]
    run, took = _Run(*blocks), list[float]()
    step = run.keep(run.advance())
    while not run.state.finished:
        began = time.process_time()
        run.settled(step.emissions[0].command_id)
        step = run.advance()
        took.append(time.process_time() - began)
        run.keep(step)
    return at_most(3, "workflows: one step of a workflow of 250 blocks, CPU", p50(took) * 1000, "ms")


def _loop() -> list[Row]:
    """Every turn sets a variable and takes a decision; it is a row of the journal, and leaves nothing in the state."""
    counted = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}
    turns = {"expr": f"local.n < {TURNS}"}
    run = _Run({"block": "while", "name": "l", "condition": turns, "blocks": [counted, note("tell", "{{ local.n }}")]})
    began, rows = time.process_time(), 0
    while not run.state.finished:
        rows += len(run.keep(run.advance()).changed)
    turn = (time.process_time() - began) / TURNS
    assert rows == TURNS, "every turn has its row"
    return [
        at_most(3_000, f"workflows: state of a loop of {TURNS} turns, at its largest", run.size, "bytes"),
        Row(f"workflows: a turn of a loop of {TURNS}, CPU", None, turn * 1e6, "", "µs", None),
    ]
