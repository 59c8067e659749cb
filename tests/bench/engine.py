"""The rule engine's rooms, put together as its own `main` does, for paths that measure one of them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import rule_engine
from bench.rehearsal import Rehearsal, Script
from bench.world import Shop, World
from contracts import topics
from contracts.envelope import Envelope
from contracts.kit.clock import Clock, new_id
from contracts.kit.commands import Commands
from contracts.kit.configuration import Changer
from contracts.kit.database import Database
from contracts.kit.service import Service
from contracts.messages.entity_events import StageChanged
from rule_engine.activities import Activities, RunRef
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.recorder import Recorder
from rule_engine.application.rule_set_checks import RuleSetChecks
from rule_engine.application.rule_sets import Authoring
from rule_engine.application.workflow_runs import WorkflowStarts
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.execution.planning import run_id
from rule_engine.domain.execution.step import Registry
from rule_engine.gateway import EntityService, NamedThings, TriggerService
from rule_engine.handlers.planner import Planner
from rule_engine.rules import REGISTRY
from rule_engine.scheduler import Scheduler
from rule_engine.settings import Settings
from rule_engine.store import Store
from support.service_environment import ServiceEnvironment

_MAIL = {"subject": "Your {{ item.title }}", "text": "Dear {{ contact.first_name }}, thank you."}
_OAK = {"path": "item.title", "op": "starts", "value": "An"}
_RULE = {"name": "greet", "type": "send_email", "execution": "parallel", "condition": _OAK, "params": _MAIL}
RULES = {
    "pipeline": "sales",
    "stages": {
        "new": {"rules": [_RULE]},
        "talks": {"rules": [_RULE | {"run": {"when": "after", "minutes": 5}}]},
        "waiting": {"rules": [_RULE | {"run": {"when": "after", "months": 6}}]},
    },
}
"""One rule a stage: due at once, due five minutes after the entry, due half a year after it."""
FIVE_MINUTES = timedelta(minutes=5)
AT_ONCE = 500


@dataclass(frozen=True)
class Engine:
    """Parts of an engine without its consumers and its API."""

    service_environment: ServiceEnvironment
    settings: Settings
    service: Service
    store: Store
    recorder: Recorder
    entity_service: EntityService
    planner: Planner
    scheduler: Scheduler

    @property
    def database(self) -> Database:
        return self.service.database

    @property
    def activity_parts(self) -> tuple[Database, Store, Recorder, EntityService, Registry, Clock]:
        """What `Activities` is made of."""
        return self.database, self.store, self.recorder, self.entity_service, REGISTRY, self.service.clock

    async def transactions_of(self, runs: Sequence[UUID], tenant: UUID) -> list[Script]:
        """What `advance_run` would write for each of the planned runs."""
        rehearsal = Rehearsal(self.settings, service="rule-engine")
        await rehearsal.open()
        try:
            activities = Activities(rehearsal, *self.activity_parts[1:])
            return [
                await _written(activities, rehearsal, RunRef(tenant=tenant, run_id=run, generation=1)) for run in runs
            ]
        finally:
            await rehearsal.close()

    async def plan(self, events: Sequence[Envelope[StageChanged]]) -> list[UUID]:
        """As the consumer does with a batch, inbox and Kafka excepted. Gives the ids of the runs, one an event."""
        for start in range(0, len(events), AT_ONCE):
            batch = events[start : start + AT_ONCE]
            times = await self.planner.prefetch(batch)
            async with self.database.transaction(*{event.tenant for event in batch}) as tx:
                await self.planner.plan(batch, times, tx)
        return [run_id(event, 0) for event in events]


async def _written(activities: Activities, rehearsal: Rehearsal, ref: RunRef) -> Script:
    """The first transaction of an activity reads, the second writes."""
    rehearsal.scripts.clear()
    await activities.advance_run(ref)
    _, written = rehearsal.scripts
    return written


@asynccontextmanager
async def open_engine(world: World, shop: Shop) -> AsyncGenerator[Engine]:
    """With the rules above for the shop."""
    async with world.service_environment("rule-engine") as service_environment:
        settings = await service_environment.settle(
            rule_engine,
            Settings,
            temporal_address=world.temporal.address,
            temporal_task_queue=f"bench-{uuid4().hex[:8]}",
            entity_service_url=shop.service_environment.internal_url,
            database_pool=10,
        )
        engine = _put_together(service_environment, settings)
        await engine.database.open()
        try:
            await _publish(engine, shop.tenant)
            yield engine
        finally:
            await engine.entity_service.close()
            await engine.database.close()


def _put_together(service_environment: ServiceEnvironment, settings: Settings) -> Engine:
    service, store, entity_service = Service("rule-engine", settings), Store.create(BLOCKS), EntityService(settings)
    open_runs = OpenRuns()
    commands = Commands(service=service.name, results=topics.RULE_RESULTS, outbox=service.outbox, clock=service.clock)
    recorder = Recorder(store, service.outbox, commands, new_id, settings.result_deadline)
    starts = WorkflowStarts(store, entity_service, open_runs, service.clock, new_id)
    planner = Planner(service.database, store, recorder, entity_service, open_runs, starts, service.clock)
    scheduler = Scheduler(settings, service.database, store, service.outbox, service.clock)
    service.database.on_commit(scheduler.wake)
    return Engine(service_environment, settings, service, store, recorder, entity_service, planner, scheduler)


async def _publish(engine: Engine, tenant: UUID) -> None:
    rule_sets, entity_service = engine.store.rule_sets, engine.entity_service
    triggers, clock = TriggerService(engine.settings), engine.service.clock
    named = NamedThings(engine.settings)
    checks = RuleSetChecks(
        engine.database, rule_sets, entity_service, triggers, NamedElsewhere(named, engine.database), REGISTRY
    )
    authoring = Authoring(engine.database, rule_sets, checks, clock, new_id)
    document = RuleSetDocument.model_validate(RULES)
    await authoring.put(Changer(tenant, "ada"), "sales", document, archived=False, publish=True)
    await triggers.close()
