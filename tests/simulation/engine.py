"""The rule engine as it is, on simulated servers: planner, recorder, results, `advance_run`, scheduler, operators.

Only what touches a server is replaced. Two replicas share the tables; what a replica keeps in memory dies with it.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from temporalio.client import Client

from contracts import topics
from contracts.contexts import ItemContext, Part
from contracts.kit.broker import OutageError
from contracts.kit.commands import Commands
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from rule_engine.activities import Activities
from rule_engine.application.operator_actions import OperatorActions
from rule_engine.application.recorder import Recorder
from rule_engine.application.workflow_runs import WorkflowStarts
from rule_engine.blocks import BLOCKS
from rule_engine.gateway import EntityService as Gateway
from rule_engine.gateway import TimesOf
from rule_engine.handlers.planner import Planner
from rule_engine.handlers.results import Results
from rule_engine.scheduler import Scheduler
from rule_engine.settings import Settings
from rule_engine.store import Store
from rule_engine.store.assignments import Assignments
from rule_engine.store.backfills import Backfills
from rule_engine.store.canaries import Canaries
from rule_engine.store.keyed_runs import KeyedRuns
from rule_engine.store.migrations import Migrations
from rule_engine.store.programs import Programs
from rule_engine.store.timers import Timer
from rule_engine.store.variables import Variables
from rule_engine.store.workflow_starts import StartRequests
from simulation import temporal
from simulation.audit import Audit
from simulation.entity import TIMES, EntityService
from simulation.kafka import Group, Kafka, Message
from simulation.outbox import SimulatedOutbox
from simulation.rules import REGISTRY
from simulation.sim_context import SimContext
from simulation.steps import Task, at_once, pause, without_pause
from simulation.store import (
    TX,
    SimulatedCommands,
    SimulatedDatabase,
    SimulatedDecisions,
    SimulatedEntries,
    SimulatedInbox,
    SimulatedOpenRuns,
    SimulatedOperatorActions,
    SimulatedRuleRuns,
    SimulatedRuleSets,
    SimulatedRuns,
    SimulatedWorkflows,
)
from simulation.temporal import SimulatedClient, Temporal
from simulation.timers import SimulatedTimers

DEADLINE = timedelta(minutes=10)
OVERDUE = timedelta(seconds=30)


class SimulatedGateway(Gateway):
    """Asks entity-service, which may be away; the answer may be old when it arrives."""

    def __init__(self, sim_context: SimContext, entity: EntityService) -> None:
        self._sim_context = sim_context
        self._entity = entity

    async def context(self, tenant: UUID, item: UUID, parts: Sequence[Part] | None) -> ItemContext | None:
        await pause()
        self._may_be_away()
        context = self._entity.context(item)
        await pause()
        return context

    async def times(self, tenants: Collection[UUID], items: Iterable[tuple[UUID, UUID]]) -> TimesOf:
        self._may_be_away()
        return TimesOf(dict.fromkeys(tenants, TIMES), {})

    def _may_be_away(self) -> None:
        if self._sim_context.bad_luck(0.05):
            raise OutageError("entity-service is away")


class SimulatedScheduler(Scheduler):
    """One timer after another, instead of many at a time: the pauses mix them anyway."""

    async def _each(self, timers: Sequence[Timer], work: Callable[[Timer], Coroutine[Any, Any, None]]) -> None:
        for timer in timers:
            await work(timer)

    async def _note_scheduled(self, timer: Timer) -> None:
        await self._mark_scheduled([timer])


class Engine:
    """The tables, and the production rooms around them."""

    def __init__(
        self, sim_context: SimContext, kafka: Kafka, entity: EntityService, server: Temporal, audit: Audit
    ) -> None:
        self.sim_context = sim_context
        self.server = server
        self.outbox = SimulatedOutbox(sim_context, kafka)
        self.timers = SimulatedTimers()
        self.entries = SimulatedEntries()
        self.commands = SimulatedCommands(self.timers, audit.on_command)
        self.runs = SimulatedRuns(self.timers, self.commands)
        self.decisions = SimulatedDecisions()
        self.rule_sets = SimulatedRuleSets()
        self.inbox = SimulatedInbox()
        self.client = cast(Client, SimulatedClient(server))
        tables = self._store(audit)
        database = SimulatedDatabase(audit.after_commit)
        gateway = SimulatedGateway(sim_context, entity)
        clock, open_runs = sim_context.skewed_clock, SimulatedOpenRuns()
        answers = Commands(service="rule-engine", results=topics.RULE_RESULTS, outbox=self.outbox, clock=clock)
        recorder = Recorder(tables, self.outbox, answers, sim_context.new_id, DEADLINE)
        settings = Settings.model_construct(
            temporal_task_queue="rule-engine", overdue_after=OVERDUE, result_deadline=DEADLINE
        )
        starts = WorkflowStarts(tables, gateway, open_runs, clock, sim_context.new_id)
        self.planner = Planner(database, tables, recorder, gateway, open_runs, starts, clock)
        self.results = Results(tables, recorder, REGISTRY, clock)
        self.activities = Activities(database, tables, recorder, gateway, REGISTRY, clock)
        self.scheduler = SimulatedScheduler(settings, database, tables, self.outbox, clock)
        self.operator_actions = OperatorActions(database, tables, recorder, clock, sim_context.new_id)
        self.planning = Group("planner", sim_context, kafka, [topics.ENTITY_EVENTS], self._plan)
        result_topics = [topics.ENTITY_RESULTS, topics.DOC_RESULTS, topics.COMMS_RESULTS, topics.RULE_RESULTS]
        self.settling = Group("results", sim_context, kafka, result_topics, self._settle, discards=True)
        self._audit = audit

    def _store(self, audit: Audit) -> Store:
        """These tables; a process that starts anew has an empty cache of programs."""
        workflows = SimulatedWorkflows()
        return Store(
            entries=self.entries,
            runs=self.runs,
            rule_runs=SimulatedRuleRuns(),
            commands=self.commands,
            timers=self.timers,
            rule_sets=self.rule_sets,
            programs=Programs(self.rule_sets, workflows, BLOCKS),
            decisions=self.decisions,
            operator_actions=SimulatedOperatorActions(audit.on_action),
            backfills=Backfills(),
            migrations=Migrations(),
            variables=Variables(),
            workflows=workflows,
            canaries=Canaries(),
            assignments=Assignments(),
            start_requests=StartRequests(),
            keyed_runs=KeyedRuns(),
        )

    def _plan(self, messages: Sequence[Message]) -> None:
        """The consumer's part: what the network is needed for, then the transaction with the inbox in it."""
        events = [one for one in messages if isinstance(one.data, StageChanged | FieldsChanged | ItemDeleted)]
        times = without_pause(self.planner.prefetch(events))
        if new := self.inbox.unseen(events):
            at_once(self.planner.plan(new, times, TX))
        self._audit.after_commit()

    def _settle(self, messages: Sequence[Message]) -> None:
        if new := self.inbox.unseen(messages):
            at_once(self.results.take_in(new, None, TX))
        self._audit.after_commit()

    def tasks(self) -> list[tuple[int, Task]]:
        """Two replicas with all loops each, and the one relay; with how often they get a turn."""
        replica: list[tuple[int, str, Callable[[], Coroutine[Any, Any, None]]]] = [
            (6, "planner", self.planning.poll),
            (6, "results", self.settling.poll),
            (8, "scheduler", lambda: self.scheduler._schedule(self.client)),
            (1, "sweep", lambda: self.scheduler._sweep(self.client)),
            (1, "reconciliation", lambda: self.scheduler.reconcile(self.client)),
            (12, "worker", lambda: temporal.work(self.server, self.activities)),
            (1, "dead letters", self.planning.replay),
            (1, "dead letters", self.settling.replay),
        ]
        loops = [(turns, Task(f"engine-{one}", name, round)) for one in "ab" for turns, name, round in replica]
        return [*loops, (8, Task("engine-a", "relay", self.outbox.relay))]
