"""Random workflows in the simulator: their journal is the one of the same run driven by hand, to the last line."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandRefused, FinalResult
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.execution.workflows import begin_workflow
from rule_engine.domain.simulation.report import Report
from rule_engine.domain.simulation.simulation import PEOPLE, Simulation
from rule_engine.domain.simulation.world import Arrival, SimulatedWorkflow
from support.driving import EXAMPLES, FINALS, Drive
from support.random_workflows import DOCUMENTS, named
from support.runs import REGISTRY, T0, context
from support.simulated import world
from support.workflows import compiled

CODE = "story"


def journal_of(program: Program, step: Step) -> list[tuple[Any, ...]]:
    rules = [
        ("rule", program.rules_by_path[one.path].name, one.step, one.state, one.reason)
        for one in step.changed
        if one.ended
    ]
    blocks = [
        ("block", program.container(one.path).name, one.step, one.iteration, one.state, one.reason)
        for one in step.blocks
    ]
    chosen = [
        ("chose", program.container(one.path).name, one.step, one.choice, one.reason, one.seen)
        for one in step.block_decisions
    ]
    return [*rules, *blocks, *chosen, *(("sent", one.rule.name, one.command_id) for one in step.emissions)]


@dataclass
class Journal(Report):
    """Keeps the steps, too."""

    lines: list[tuple[Any, ...]] = field(default_factory=list)
    state: State | None = None

    def took(self, code: str, run: OpenRun, step: Step, now: datetime) -> None:
        super().took(code, run, step, now)
        self.lines += journal_of(run.program, step)
        self.state = step.state


class Prompt(Drive):
    """Commands are answered at once, and the same rule always in the same way, unless they were called off."""

    def run(self) -> list[tuple[Any, ...]]:
        self.names: dict[Any, str] = {}
        for _ in range(1_000):
            if self.waiting:
                self._answer(self.waiting.pop(0))
            elif self.wake_at is not None:
                self.now = max(self.now, self.wake_at)
                self._commit(self._advance)
            else:
                break
            if self.state.finished:
                break
        return self.journal

    def _advance(self) -> Step:
        seen = context()
        run = uuid5(uuid5(seen.tenant_id, f"start/{CODE}/{seen.item.id}"), CODE)
        entry = Entry(seen.item.id, 1, T0, seen.item)
        return advance(self.program, self.state, entry, seen, self.now, RunFacts(run, REGISTRY))

    def _answer(self, command_id: Any) -> None:
        name = next(line[1] for line in self.journal if line[0] == "sent" and line[2] == command_id)
        made: dict[str, FinalResult] = {
            "done": CommandDone(command_id=command_id, outputs={"said": "x"}),
            "refused": CommandRefused(command_id=command_id, reason="no"),
            "failed": CommandFailed(command_id=command_id, reason="no", retryable=False),
        }
        cancelled = CommandRefused(command_id=command_id, reason=CANCELLED)
        result = cancelled if command_id in self.called_off else made[final_of(name, self.finals)]
        self._commit(lambda: settle(self.program, self.state, command_id, result, self.now, REGISTRY))


def final_of(rule: str, finals: list[str]) -> str:
    return finals[int(rule[1:]) % len(finals)]


def stand_ins(program: Program, finals: list[str]) -> list[dict[str, Any]]:
    made = [
        {"rule": rule.name, "reason": "no", "retryable": False, "outputs": {"said": "x"}} for rule in program.rules()
    ]
    return [one | {final: 1.0} if (final := final_of(str(one["rule"]), finals)) != "done" else one for one in made]


@given(written=DOCUMENTS, finals=FINALS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.simulation
def test_a_simulated_run_has_the_journal_of_one_that_is_driven(
    written: list[dict[str, Any]], finals: list[str]
) -> None:
    body = {"kind": "deal", "variables": {"n": {"type": "int", "value": 0}}, "blocks": named(written, count())}
    document = WorkflowDocument.model_validate(body)
    program = compiled(document)
    driven = Prompt(program, finals)
    driven.state = begin_workflow(program, {}, {"n": 0}, PEOPLE, T0)
    journal = [line for line in driven.run() if line[0] != "assignment"]
    simulated = SimulatedWorkflow(CODE, document, program, started={})
    made = world(None, simulated, stand_ins=stand_ins(program, finals))
    arrivals = [Arrival(T0, context())]
    made = replace(
        made, tenant=context().tenant_id, registry=REGISTRY, arrivals=arrivals, until=T0 + timedelta(days=3_000)
    )
    report = Journal(ZoneInfo("Europe/Rome"), traced=(), messages_per_day=3)
    simulation = Simulation(made, report)
    while simulation.go_on(100):
        assert simulation.steps < 10_000
    assert report.lines == journal
    assert report.state == driven.state
