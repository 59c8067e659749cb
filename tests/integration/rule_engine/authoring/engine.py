"""The engine's own rooms on a real PostgreSQL, without Kafka and Temporal: tests call planner and `advance_run`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from contracts.envelope import Envelope
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.database import Database
from contracts.kit.outbox import Outbox
from contracts.messages.entity_events import ItemDeleted, StageChanged
from contracts.messages.results import CANCELLED, CommandRefused
from contracts.topics import RULE_RESULTS
from contracts.values import ItemSnapshot, Origin
from rule_engine.activities import Activities, RunRef
from rule_engine.application.migrations import Mover
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.operator_actions import OperatorActions
from rule_engine.application.recorder import Recorder
from rule_engine.application.workflow_runs import WorkflowStarts
from rule_engine.blocks import BLOCKS
from rule_engine.gateway import EntityService
from rule_engine.handlers.planner import Planner
from rule_engine.handlers.results import Results
from rule_engine.jobs import BackfillJob, Forgetting, MigrationJob, ReplaceJob
from rule_engine.rules import RUNNABLE
from rule_engine.store import Store
from support.entity import EntityStandIn
from support.messages import fact
from support.shop import deal

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Watch:
    """A clock that stands until it is moved."""

    now: datetime = MORNING

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Engine:
    """What `main` puts together, with a watch for a clock."""

    def __init__(self, database: Database, entity_service: EntityService, entity: EntityStandIn, watch: Watch) -> None:
        self.database, self.entity, self.watch = database, entity, watch
        self.store, self.open_runs = Store.create(BLOCKS), OpenRuns()
        self.outbox = Outbox()
        commands = Commands(service="rule-engine", results=RULE_RESULTS, outbox=self.outbox, clock=watch)
        recorder = Recorder(self.store, self.outbox, commands, new_id, timedelta(minutes=10))
        starts = WorkflowStarts(self.store, entity_service, self.open_runs, watch, new_id)
        self.planner = Planner(database, self.store, recorder, entity_service, self.open_runs, starts, watch)
        self.activities = Activities(database, self.store, recorder, entity_service, RUNNABLE, watch)
        self.operator_actions = OperatorActions(database, self.store, recorder, watch, new_id)
        self.replace_job = ReplaceJob(database, self.store, recorder, watch)
        self.results = Results(self.store, recorder, RUNNABLE, watch)
        self.entity_service = entity_service
        self.backfill_job = self.backfill_job_with(entity_service)
        mover = Mover(self.store, recorder, watch, new_id)
        self.migration_job = MigrationJob(database, self.store, entity_service, mover, watch)

    def backfill_job_with(self, entity_service: EntityService) -> BackfillJob:
        return BackfillJob(self.database, self.store, entity_service, self.open_runs, self.watch)

    def forgetting(self, days: int) -> Forgetting:
        return Forgetting(self.database, self.store, self.watch, days)

    async def cancels_commands(self, tenant: UUID) -> None:
        """Their owners say of all commands under way that they were cancelled and nothing was done."""
        async with self.database.transaction(tenant) as tx:
            rows = await tx.fetch("SELECT id, run_id FROM sent_commands WHERE tenant_id = $1", tenant)
            said = [CommandRefused(command_id=row["id"], reason=CANCELLED) for row in rows]
            await self.results.take_in([fact(one, tenant, one.command_id) for one in said], None, tx)

    async def advance(self, tenant: UUID) -> None:
        """Every run of the tenant, as its execution would."""
        async with self.database.transaction(tenant) as tx:
            rows = await tx.fetch(
                "SELECT run_id, generation FROM timers WHERE tenant_id = $1 AND wake_at <= $2", tenant, self.watch()
            )
        for row in rows:
            await self.activities.advance_run(RunRef(tenant=tenant, run_id=row["run_id"], generation=row["generation"]))


@dataclass
class Deal:
    """One deal of a tenant."""

    engine: Engine
    tenant: UUID
    id: UUID = field(default_factory=new_id)
    entry_seq: int = 0
    activity_count: int = 0
    around: dict[str, Any] = field(default_factory=dict)
    """What else of its context is not as usual."""

    def snapshot(self, stage: str) -> ItemSnapshot:
        changes: dict[str, Any] = {"id": self.id, "stage": stage, "entry_seq": self.entry_seq}
        return deal().item.model_copy(update=changes | {"activity_count": self.activity_count})

    def see(self, stage: str) -> None:
        self.engine.entity.put(deal(tenant_id=self.tenant, item=self.snapshot(stage), **self.around))

    async def enters(self, stage: str, *, origin: Origin = "user", automation: bool = True) -> None:
        self.entry_seq += 1
        self.see(stage)
        entered = StageChanged(
            item=self.snapshot(stage),
            entry_seq=self.entry_seq,
            from_pipeline=None,
            from_stage=None,
            to_pipeline="sales",
            to_stage=stage,
            origin=origin,
            automation=automation,
            changed_by="ada",
            at=self.engine.watch(),
        )
        await self._plan(fact(entered, self.tenant, self.id, at=self.engine.watch()))

    async def is_deleted(self) -> None:
        now = self.engine.watch()
        gone = ItemDeleted(item_id=self.id, version=1_000, deleted_by="ada", at=now)
        await self._plan(fact(gone, self.tenant, self.id, at=now))

    async def _plan(self, event: Envelope[Any]) -> None:
        times = await self.engine.planner.prefetch([event])
        async with self.engine.database.transaction(self.tenant) as tx:
            await self.engine.planner.plan([event], times, tx)


async def explanations(
    viewer: httpx.AsyncClient, deal: Deal, rule: str | None = None, **asked: Any
) -> list[dict[str, Any]]:
    """The answers, page after page."""
    params = {"item": str(deal.id)} | ({"rule": rule} if rule else {}) | {k: str(v) for k, v in asked.items()}
    found: list[dict[str, Any]] = []
    while True:
        answer = await viewer.get("/v1/decisions", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        params["cursor"] = answer.json()["next_cursor"]
