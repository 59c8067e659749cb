"""What tests of workflows share: a workflow as it is written, checked, compiled, and driven on the core."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.contexts import ItemContext
from contracts.envelope import rfc3339
from contracts.messages.comms import Notify
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.assignments import (
    Answer,
    Asked,
    Choice,
    Reminded,
    Withdrawn,
    answers_to,
    checked,
)
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import ROOT, Entry, State, read_state
from rule_engine.domain.execution.step import BlockDecision, RunFacts, Step
from rule_engine.domain.execution.workflows import begin_workflow, receive
from support.runs import REGISTRY, RUN, T0, context
from support.shop import SCHEMA


def document(*blocks: Mapping[str, Any], **rest: Any) -> WorkflowDocument:
    return WorkflowDocument.model_validate({"kind": "deal", "blocks": blocks} | rest)


def compiled(written: WorkflowDocument, *before: WorkflowDocument) -> Program:
    """The program of a workflow without issues; blocks of `before`, its earlier versions, keep their ids."""
    check = WorkflowCheck(written, SCHEMA, REGISTRY, BLOCKS, (), UNASKED)
    assert check.issues() == []
    identified = identified_in_turn(*before, written)
    stored = compile_workflow("story", identified, SCHEMA, REGISTRY, BLOCKS).model_dump(mode="json", by_alias=True)
    return Program.model_validate(stored).bound(BLOCKS)


def identified_in_turn(*versions: WorkflowDocument) -> WorkflowDocument:
    """The last version, as the server would have given ids to one after another."""
    counter, known = iter(range(10_000)), list[WorkflowDocument]()
    for written in versions:
        known.append(with_block_ids(written, known[-1:], lambda: uuid5(RUN, str(next(counter)))))
    return known[-1]


class Story:
    """One run of a workflow; its state is stored and read again after every step."""

    def __init__(self, *blocks: Mapping[str, Any], params: Mapping[str, Any] | None = None, **rest: Any) -> None:
        written = document(*blocks, **rest)
        self.program = compiled(written)
        variables = {name: one.value for name, one in written.variables.items()}
        self.now = T0
        self.state = begin_workflow(self.program, params or {}, variables, "user:ann", T0)
        self.journal: list[tuple[str, str, str | None]] = []
        self.chosen: list[BlockDecision] = []
        self.said: list[str] = []
        self.commands: dict[str, UUID] = {}
        self.wake_at: datetime | None = T0
        self.open: dict[UUID, Asked] = {}
        self.reminded = 0
        self.item = context()

    def go(self, seen: ItemContext | None = None) -> Step:
        """Advances until nothing more can be done now."""
        entry = Entry(self.item.item.id, 1, T0, self.item.item)
        while True:
            facts = RunFacts(RUN, REGISTRY)
            step = self.take(advance(self.program, self.state, entry, seen or self.item, self.now, facts))
            if step.wake_at is None or step.wake_at > self.now:
                return step

    def take(self, step: Step) -> Step:
        """Notes what a step did, and keeps its state."""
        for one in step.changed:
            name = self.program.rules_by_path[one.path].name
            if one.ended:
                self.journal.append((name, one.state, one.reason))
        for block in step.blocks:
            self.journal.append((self.program.container(block.path).name, block.state, block.reason))
        self.chosen += step.block_decisions
        for emission in step.emissions:
            if isinstance(emission.body, Notify):
                self.said.append(emission.body.text)
            self.commands[emission.rule.name] = emission.command_id
        self._note_assignments(step)
        self.state = read_state(step.state.stored(), self.program, T0)
        assert self.state == step.state
        self.wake_at = step.wake_at
        return step

    def _note_assignments(self, step: Step) -> None:
        for change in step.assignments:
            match change:
                case Asked():
                    self.open[change.employee] = change
                case Withdrawn():
                    self.open = {who: one for who, one in self.open.items() if one.step != change.step}
                case Reminded():
                    self.reminded += sum(one.step == change.step for one in self.open.values())

    def answer(self, employee: UUID, choice: Choice, comment: str = "", **values: Any) -> Step:
        """An employee answers what they are asked for; the run goes on."""
        one = self.open.pop(employee)
        given = checked(one.ask, Answer(choice=choice, comment=comment, values=values)).model_dump()
        said = given | {"employee": str(employee), "by": str(employee), "at": rfc3339(self.now)}
        return self.receive(answers_to(one.step), **said)

    def outputs(self, name: str) -> dict[str, Any]:
        """What can be named of a block after it."""
        return dict(self.state.frames[ROOT].outputs[name])

    def after(self, **time: int) -> Step:
        self.now += timedelta(**time)
        return self.go()

    def done(self, name: str, **outputs: str) -> Step:
        """The owner has done the command of a rule; the run goes on."""
        id = self.commands[name]
        self.take(settle(self.program, self.state, id, CommandDone(command_id=id, outputs=outputs), self.now, REGISTRY))
        return self.go()

    def failed(self, name: str, reason: str = "no") -> Step:
        id = self.commands[name]
        result = CommandFailed(command_id=id, reason=reason, retryable=False)
        self.take(settle(self.program, self.state, id, result, self.now, REGISTRY))
        return self.go()

    def refused(self, name: str, reason: str) -> Step:
        id = self.commands[name]
        result = CommandRefused(command_id=id, reason=reason)
        self.take(settle(self.program, self.state, id, result, self.now, REGISTRY))
        return self.go()

    def receive(self, name: str, **value: Any) -> Step:
        self.take(receive(self.program, self.state, name, value, self.now))
        return self.go()


def say(name: str, text: str = "", **options: Any) -> dict[str, Any]:
    """An action that sends a notification."""
    return {"block": "action", "name": name, "type": "say", "params": {"text": text or name}, **options}


def note(name: str, text: str) -> dict[str, Any]:
    """A helper that gives its text to later blocks, at once."""
    return {"block": "action", "name": name, "type": "note", "params": {"text": text}}


def branch(*blocks: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    return {"blocks": list(blocks), **options}


def ended(state: State) -> tuple[str | None, bool]:
    return state.outcome, state.finished
