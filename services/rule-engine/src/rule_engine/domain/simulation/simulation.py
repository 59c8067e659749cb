"""Virtual time: a queue of what happens next, from one moment that matters to the next.

It does what planner, `advance_run`, results and owners do together, with the same functions of the core; nothing here
sends or stores anything. What is due at one moment happens in the order in which it came to be due.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from contracts.contexts import ItemContext
from contracts.envelope import Cause, Envelope, event, rfc3339
from contracts.messages.entity_commands import ItemCommand, LockItem, MoveItem, UpdateItem
from contracts.messages.entity_events import FieldsChanged, StageChanged
from contracts.messages.results import CANCELLED, CommandRefused, FinalResult
from contracts.topics import item_key
from rule_engine.domain.authoring.workflow_starts import BadStartError, default_parameters, is_started_by, runs_on
from rule_engine.domain.execution import workflows
from rule_engine.domain.execution.advance import advance, fail, settle
from rule_engine.domain.execution.assignments import Answer as Reply
from rule_engine.domain.execution.assignments import Asked, answers_to, checked
from rule_engine.domain.execution.planning import Head, OpenRun, plan
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import Emission, RunFacts, Step, causes_of, wake_at
from rule_engine.domain.language.asked import MisfitsError
from rule_engine.domain.language.variables import NOTHING_STORED, Stored
from rule_engine.domain.schedule.due import Times, times_in, times_of
from rule_engine.domain.simulation.items import MisfitValueError, assigned
from rule_engine.domain.simulation.lines import Lines
from rule_engine.domain.simulation.owners import Command, Handled, entry_event, handle, moving
from rule_engine.domain.simulation.progress import SentCommand, SimulatedItem, SimulatedRun
from rule_engine.domain.simulation.report import Report, rule_in
from rule_engine.domain.simulation.stand_ins import DONE_AT_ONCE, Answer, EmployeeStandIn, answer, employees_answer
from rule_engine.domain.simulation.world import Arrival, Happening, SimulatedWorkflow, World

PEOPLE = "simulation"
"""Who did what no rule did."""
CLOSE = timedelta(days=1)
"""Rules that want different things of one field so shortly after one another collide."""


class Simulation:
    """One world from its first arrival on. Without a report only the core works."""

    def __init__(self, world: World, report: Report | None) -> None:
        self._world = world
        self._report = report
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0
        self._now = min((one.at for one in world.arrivals), default=world.until)
        self._company = times_of(world.settings).company
        self._values = dict(world.stored.values)
        self._sent: dict[UUID, SentCommand] = {}
        self._open = 0
        self._lines: Lines[tuple[SimulatedItem, SimulatedRun]] = Lines()
        self.items: dict[UUID, SimulatedItem] = {}
        self.steps = 0
        for arrival in world.arrivals:
            self._at(arrival.at, partial(self._arrive, arrival))
        for one in world.happenings:
            self._at(one.at, partial(self._happen, one))

    @property
    def now(self) -> datetime:
        """How far it has come."""
        return self._now

    def go_on(self, steps: int) -> bool:
        """Does at most so many things that happen; returns whether something is left before the end."""
        for _ in range(steps):
            if not self._queue or self._queue[0][0] > self._world.until:
                self._now = self._world.until
                return False
            self._now, _, happen = heappop(self._queue)
            self.steps += 1
            happen()
        return True

    def _at(self, moment: datetime, happen: Callable[[], None]) -> None:
        self._number += 1
        heappush(self._queue, (moment, self._number, happen))

    # items and people

    def _arrive(self, arrival: Arrival) -> None:
        context = arrival.context
        head = Head(last_entry_seq=context.item.entry_seq - 1)
        values = dict(self._world.item_values.get(context.item.id, {}))
        before = next(reversed(self.items.values()), None)
        item = SimulatedItem(context, head, values, seen=before.seen if before else None)
        self.items[context.item.id] = item
        if self._report:
            self._report.arrived(context.item.id)
        self._tell(item, entry_event(context, PEOPLE, self._now), ())
        for workflow in self._world.workflows:
            if workflow.started is not None and runs_on(workflow.document, context.item):
                cause = uuid5(self._world.tenant, f"start/{workflow.code}/{context.item.id}")
                self._start(item, workflow, cause, PEOPLE, (), workflow.started)

    def _happen(self, one: Happening) -> None:
        items = list(self.items.values()) if one.item is None else filter(None, [self.items.get(one.item)])
        for item in items:
            self._happen_to(item, one)

    def _happen_to(self, item: SimulatedItem, one: Happening) -> None:
        if one.assignments:
            self._assign(item, one)
        if one.name is not None:
            self._receive(item, one.name, one.value)
        stage = self._world.around.stages.get((item.context.item.pipeline, one.stage)) if one.stage else None
        if stage is not None and stage.code != item.context.item.stage:
            item.wanted.pop("stage", None)
            item.context, moved = moving(item.context, stage, PEOPLE, self._now)
            self._tell(item, moved, ())

    def _assign(self, item: SimulatedItem, one: Happening) -> None:
        try:
            item.context, changed = assigned(item.context, one.assignments, self._world.around, self._now)
        except MisfitValueError as error:
            if self._report:
                self._report.hit(f"changes that items do not take: {error}")
            return
        for name in changed:
            item.wanted.pop(name, None)
        if changed:
            told = FieldsChanged(item=item.context.item, changed=changed, changed_by=PEOPLE, at=self._now)
            self._tell(item, told, ())

    def _receive(self, item: SimulatedItem, name: str, value: Any) -> None:
        if self._report:
            self._report.received(item.context.item.id, name, self._now)
        for run in list(item.runs.values()):
            if run.open.program.workflow and name in workflows.awaited(run.open.state):
                step = workflows.receive(run.open.program, run.open.state, name, value, self._now)
                self._took(item, run, step)

    # what the planner does

    def _tell(self, item: SimulatedItem, body: StageChanged | FieldsChanged, causepath: tuple[Cause, ...]) -> None:
        """Of an event of an item: entries are planned, runs are left or told, workflows start."""
        told = self._envelope(body, causepath)
        if self._report:
            _tell_report(self._report, item.context, body, self._now)
        runs = [run.open for run in item.runs.values()]
        refusal = self._world.over_quota if self._open >= self._world.open_runs else None
        made = plan(item.head, [told], runs, self._world.published, self._times(item), refusal)
        for id, step in made.changed.items():
            self._took(item, item.runs[id], step)
        for entry in made.entries:
            for run in entry.runs:
                self._begin(
                    item, SimulatedRun(run, entry.published.code if entry.published else "", causepath), entry.refused
                )
        for workflow in self._world.workflows:
            if is_started_by(workflow.document, body):
                own = Cause(f"workflow/{workflow.code}", str(body.item.id))
                cause = uuid5(UUID(told.id), workflow.code)
                parameters = default_parameters(workflow.document)
                self._start(item, workflow, cause, body.changed_by, (*causepath, own), parameters)

    def _envelope(
        self, body: StageChanged | FieldsChanged, causepath: tuple[Cause, ...]
    ) -> Envelope[StageChanged | FieldsChanged]:
        tenant, item = self._world.tenant, body.item
        id = uuid5(tenant, f"{item.id}/{item.version}/{item.entry_seq}")
        key = item_key(tenant, item.id)
        return event(body, source="entity-service", id=id, tenant=tenant, key=key, time=self._now, causepath=causepath)

    def _times(self, item: SimulatedItem) -> Times:
        """The company's working time is worked out once for all items."""
        return replace(times_in(item.context), company=self._company)

    def _start(  # noqa: PLR0913 - what a start has
        self,
        item: SimulatedItem,
        workflow: SimulatedWorkflow,
        cause: UUID,
        by: str,
        causepath: tuple[Cause, ...],
        parameters: Any,
    ) -> None:
        if self._open >= self._world.open_runs:
            if self._report:
                self._report.hit(self._world.over_quota)
            return
        variables = {name: one.value for name, one in workflow.document.variables.items()}
        snapshot = item.context.item
        entry = Entry(snapshot.id, snapshot.entry_seq, self._now, snapshot)
        state = workflows.begin_workflow(workflow.program, parameters, variables, by, self._now)
        run = SimulatedRun(
            OpenRun(uuid5(cause, workflow.code), entry, workflow.program, state), workflow.code, causepath
        )
        try:
            earlier = self._lines.place(workflow.document, run.code, run.open, parameters, (item, run))
        except BadStartError as error:
            if self._report:
                self._report.hit(f"starts of {workflow.code} that are refused: {error}")
            return
        self._begin(item, run, refused=False)
        for replaced in earlier:
            self._replace(*replaced, run.open.id)

    def _replace(self, item: SimulatedItem, run: SimulatedRun, by: UUID) -> None:
        if run.open.state.outcome is None:
            step = workflows.terminate(run.open.program, run.open.state, f"replaced by run {by}", self._now)
            self._took(item, run, step)

    def _begin(self, item: SimulatedItem, run: SimulatedRun, refused: bool) -> None:
        state = run.open.state
        if not state.finished:
            item.runs[run.open.id] = run
            self._count_open(1)
        if self._report:
            self._report.planned(run.code, run.open, self._now)
            if refused:
                self._report.hit(self._world.over_quota)
        if not state.finished and not self._lines.is_queued(run.open.id):
            self._wake_later(item, run, wake_at(run.open.program, state, self._now))

    def _count_open(self, change: int) -> None:
        self._open += change
        if self._report:
            self._report.open_changed(change, self._now)

    # what `advance_run` does

    def _wake_later(self, item: SimulatedItem, run: SimulatedRun, moment: datetime | None) -> None:
        if moment != run.wake_at:
            run.wake_at = moment
            if moment is not None:
                self._at(max(moment, self._now), partial(self._wake, item, run, moment))

    def _wake(self, item: SimulatedItem, run: SimulatedRun, moment: datetime) -> None:
        if run.wake_at != moment or run.open.id not in item.runs:
            return
        run.wake_at = None
        program, state = run.open.program, run.open.state
        try:
            facts = RunFacts(run.open.id, self._world.registry, self._stored(item, run), values_of=item.values_of)
            step = advance(program, state, run.open.entry, item.context, self._now, facts)
        except Exception as error:
            step = fail(program, state, f"a defect of the engine: {type(error).__name__}", self._now)
        self._took(item, run, step)

    def _stored(self, item: SimulatedItem, run: SimulatedRun) -> Stored:
        if not run.open.program.stored:
            return NOTHING_STORED
        return Stored(self._world.stored.definitions, {**self._values, **item.values, **run.values})

    def _took(self, item: SimulatedItem, run: SimulatedRun, step: Step) -> None:
        """What the recorder does."""
        run.open.state = step.state
        for one in step.assigned:
            {"tenant": self._values, "item": item.values, "run": run.values}[one.scope][one.code] = one.value
        if self._report:
            self._report.took(run.code, run.open, step, self._now)
        self._send_all(item, run, step)
        if step.state.finished:
            self._ended(item, run)
        elif not self._lines.is_queued(run.open.id):
            self._wake_later(item, run, step.wake_at)

    def _send_all(self, item: SimulatedItem, run: SimulatedRun, step: Step) -> None:
        for id in step.cancellations:
            if (sent := self._sent.pop(id, None)) is not None:
                cancelled = CommandRefused(command_id=id, reason=CANCELLED)
                self._at(self._now, partial(self._settle, sent, cancelled))
        for emission in step.emissions:
            self._send(item, run, emission)
        for asked in step.assignments:
            if isinstance(asked, Asked):
                self._ask(item, run, asked)
        for stop in step.stops:
            self._stop_others(item, run, stop.reason)
        for granted in [one for lock in step.unlocked for one in item.locks.free(lock)]:
            self._at(self._now, partial(self._answer, granted, DONE_AT_ONCE))

    def _stop_others(self, item: SimulatedItem, run: SimulatedRun, reason: str) -> None:
        for one in list(item.runs.values()):
            state, program = one.open.state, one.open.program
            if program.workflow and one is not run and one.code == run.code and state.outcome is None:
                self._took(item, one, workflows.terminate(program, state, reason, self._now))

    def _ended(self, item: SimulatedItem, run: SimulatedRun) -> None:
        if item.runs.pop(run.open.id, None) is not None:
            self._count_open(-1)
        if (follows := self._lines.leave(run.open.id)) is not None:
            self._wake_later(*follows, self._now)

    # what employees do

    def _ask(self, item: SimulatedItem, run: SimulatedRun, asked: Asked) -> None:
        block = run.open.program.container(asked.path).name
        drawn_from = f"{self._world.seed}/{item.context.item.id}/{block}/{asked.step}/{asked.employee}"
        found = employees_answer(self._world.employees, block, asked.ask, drawn_from)
        if found is not None:
            moment = self._now + timedelta(seconds=found.after_seconds)
            self._at(moment, partial(self._reply, item, run, asked, found))

    def _reply(self, item: SimulatedItem, run: SimulatedRun, asked: Asked, given: EmployeeStandIn) -> None:
        name = answers_to(asked.step)
        if run.open.id not in item.runs or name not in workflows.awaited(run.open.state):
            return
        try:
            said = checked(asked.ask, Reply(choice=given.choice, comment=given.comment, values=given.values))
        except MisfitsError as error:
            if self._report:
                self._report.hit(f"answers of employees that do not fit: {error}")
            return
        who = str(asked.employee)
        value = said.model_dump(mode="json") | {"employee": who, "by": who, "at": rfc3339(self._now)}
        self._took(item, run, workflows.receive(run.open.program, run.open.state, name, value, self._now))

    # what owners and results do

    def _send(self, item: SimulatedItem, run: SimulatedRun, emission: Emission) -> None:
        rule = emission.rule
        item.acted[rule.rule_id] += 1
        drawn_from = f"{self._world.seed}/{item.context.item.id}/{rule.name}/{item.acted[rule.rule_id]}"
        found = answer(self._world.stand_ins, rule.name, rule.type, drawn_from)
        causes = causes_of(rule, run.open.entry, run.causepath, self._now)
        id = emission.command_id
        self._sent[id] = SentCommand(item, run, emission, Command(id, emission.body, causes))
        if found.outcome != "unanswered":
            self._at(self._now + found.after, partial(self._answer, id, found))

    def _answer(self, id: UUID, found: Answer) -> None:
        sent = self._sent.get(id)
        if sent is None or self._waits_for_lock(sent, found):
            return
        del self._sent[id]
        if isinstance(sent.command.body, ItemCommand) and (locked := sent.item.locks.refusal(sent.run.open.id)):
            self._settle(sent, CommandRefused(command_id=id, reason=locked))
            return
        handled = handle(sent.command, found, sent.item.context, self._world.around, self._now)
        self._note(sent, handled)
        if handled.context is not None:
            sent.item.context = handled.context
        self._settle(sent, handled.result)
        if handled.event is not None:
            self._tell(sent.item, handled.event, sent.command.causes)

    def _waits_for_lock(self, sent: SentCommand, found: Answer) -> bool:
        """Whether a lock that would be given now has to wait until another run takes its own back."""
        is_lock = isinstance(sent.command.body, LockItem) and found.outcome == "done"
        return is_lock and not sent.item.locks.ask(sent.command.id, sent.run.open.id)

    def _settle(self, sent: SentCommand, result: FinalResult) -> None:
        run = sent.run.open
        step = settle(run.program, run.state, sent.command.id, result, self._now, self._world.registry)
        self._took(sent.item, sent.run, step)

    def _note(self, sent: SentCommand, handled: Handled) -> None:
        """Circles, and rules that want different things."""
        body, id = sent.command.body, sent.item.context.item.id
        if handled.circle and self._report:
            self._report.circled(handled.circle, id, self._now)
        if isinstance(body, MoveItem) and (handled.late or handled.event):
            self._want(sent, "stage", body.candidates[0].stage, collides=handled.late)
        elif isinstance(body, UpdateItem) and handled.event:
            for one in body.assignments:
                if not one.append:
                    self._want(sent, one.field, one.value, collides=True)

    def _want(self, sent: SentCommand, name: str, value: JsonValue, *, collides: bool) -> None:
        """A rule gives a field its value; one after another, in stages that follow one another, is no collision."""
        item, rule = sent.item, rule_in(sent.run.open, sent.emission.rule)
        before = item.wanted.get(name)
        is_other = before is not None and before[0] != rule and before[2] != value
        if before and is_other and collides and self._now - before[1] <= CLOSE and self._report:
            self._report.collided(name, before[0], rule, item.context.item.id, [before[2], value], self._now)
        if not (name == "stage" and collides):
            item.wanted[name] = (rule, self._now, value)


def _tell_report(report: Report, context: ItemContext, body: StageChanged | FieldsChanged, now: datetime) -> None:
    if isinstance(body, StageChanged):
        report.entered(context, body.changed_by, now)
    else:
        report.changed(context.item.id, body.changed, body.changed_by, now)
