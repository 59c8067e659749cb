"""Keeps Temporal in step with the rows: starts what the rows ask for, looks after what should have run, rebuilds.

The rows are the truth; Temporal starts executions. Everything here may be done twice, or by two replicas at once: a
superfluous execution finds that the generation has moved on and does nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts.kit import telemetry
from contracts.kit.batching import BatchLoader
from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from contracts.kit.outbox import Outbox
from rule_engine.activities import RunRef
from rule_engine.settings import Settings
from rule_engine.store import Store
from rule_engine.store.timers import Timer
from rule_engine.workflows import RuleRunWorkflow

logger = structlog.get_logger(__name__)

BATCH = 200
AT_ONCE = 32
POLL_S = 1.0
REBUILT_PER_S = 100

STARTED = Counter("executions_started_total", "Executions started in Temporal", ["how"])
REPAIRED = Counter("executions_repaired_total", "Executions found missing or stray", ["what"])
telemetry.show(STARTED, ("at_once", "delayed"))
telemetry.show(REPAIRED, ("missing", "stray"))
ASKED_AGAIN = Counter("commands_asked_again_total", "Commands sent again because no final result came")

OUTAGES: tuple[type[BaseException], ...] = (*INFRASTRUCTURE_ERRORS, RPCError)


class Scheduler:
    """Starts, ends and checks executions for `timers`."""

    def __init__(self, settings: Settings, database: Database, store: Store, outbox: Outbox, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._client: Client | None = None
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._scheduled = BatchLoader(self._mark_scheduled)

    def wake(self) -> None:
        """Says that rows may ask for executions; cheap."""
        self._woken.set()

    async def ready(self) -> None:
        """Raises `OutageError` or what the client raises while Temporal does not answer."""
        if self._client is None:
            raise OutageError("not connected to Temporal yet")
        await self._client.service_client.check_health(timeout=timedelta(seconds=2))

    async def run(self, client: Client) -> None:
        """Starts what is asked for at once, sweeps, reconciles; until cancelled."""
        self._client = client
        await asyncio.gather(
            self._repeat(lambda: self._schedule(client), self._until_woken),
            self._repeat(lambda: self._sweep(client), _every(self._settings.sweep_every)),
            self._repeat(lambda: self.reconcile(client), _every(self._settings.reconcile_every)),
        )

    async def _repeat(self, work: Callable[[], Awaitable[None]], rest: Callable[[], Awaitable[None]]) -> None:
        pause = 0.5
        while True:
            try:
                await work()
            except OUTAGES as error:
                logger.warning("scheduler waits for a server", error=type(error).__name__, pause_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10)
            else:
                pause = 0.5
                await rest()

    async def _until_woken(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), POLL_S)

    # starting

    async def _schedule(self, client: Client) -> None:
        """Until nothing is left, or only what others hold."""
        before: list[Timer] = []
        while True:
            self._woken.clear()
            async with self._database.delivery() as tx:
                unscheduled = await self._store.timers.unscheduled(tx, BATCH)
            if not unscheduled or unscheduled == before:
                return
            await self._each(unscheduled, lambda timer: self._schedule_one(client, timer))
            before = unscheduled

    async def _each(self, timers: Sequence[Timer], work: Callable[[Timer], Coroutine[Any, Any, None]]) -> None:
        async def one(timer: Timer) -> None:
            async with self._slots:
                await work(timer)

        try:
            async with asyncio.TaskGroup() as group:
                for timer in timers:
                    group.create_task(one(timer))
        except BaseExceptionGroup as failures:
            outages, defects = failures.split(OUTAGES)
            raise defects or (outages or failures).exceptions[0] from None

    async def _schedule_one(self, client: Client, timer: Timer) -> None:
        if timer.has_execution:
            await _terminate(client, _ref(timer, timer.scheduled_generation).workflow_id, "superseded")
        if timer.wake_at is None:
            async with self._database.delivery() as tx:
                await self._store.timers.delete(tx, timer)
            return
        await self._start(client, timer, timer.wake_at)
        await self._note_scheduled(timer)

    async def _note_scheduled(self, timer: Timer) -> None:
        await self._scheduled.get(timer)

    async def _mark_scheduled(self, timers: Sequence[Timer]) -> dict[Timer, None]:
        async with self._database.delivery() as tx:
            await self._store.timers.scheduled(tx, timers)
        return {}

    async def _start(self, client: Client, timer: Timer, wake_at: datetime) -> None:
        ref = _ref(timer, timer.generation)
        delay = wake_at - self._clock()
        waits = delay > timedelta(0)
        with suppress(WorkflowAlreadyStartedError):
            await client.start_workflow(
                RuleRunWorkflow.run,
                ref,
                id=ref.workflow_id,
                task_queue=self._settings.temporal_task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=Priority(fairness_key=str(timer.tenant)),
                start_delay=delay if waits else None,
                request_eager_start=not waits,
            )
            STARTED.labels("delayed" if waits else "at_once").inc()

    # looking after

    async def _sweep(self, client: Client) -> None:
        now = self._clock()
        async with self._database.delivery() as tx:
            overdue = await self._store.timers.overdue(tx, now - self._settings.overdue_after, BATCH)
        await self._each(overdue, lambda timer: self._revive_if_gone(client, timer))
        await self._ask_again(now)

    async def _revive_if_gone(self, client: Client, timer: Timer) -> None:
        if await _is_open(client, _ref(timer, timer.generation).workflow_id):
            return
        async with self._database.delivery() as tx:
            if await self._store.timers.lost(tx, timer):
                REPAIRED.labels("missing").inc()
                with telemetry.about(tenant_id=timer.tenant, run_id=timer.run_id):
                    logger.warning("an execution is gone; another one is started", generation=timer.generation)
        self._woken.set()

    async def _ask_again(self, now: datetime) -> None:
        """Sends commands whose result is overdue again: the same id, the same bytes."""
        async with self._database.delivery() as tx:
            past_deadline = await self._store.timers.deadlines(tx, now, now + self._settings.result_deadline, BATCH)
        for tenant, command_id in past_deadline:
            async with self._database.transaction(tenant) as tx:
                sent = await self._store.commands.get(tx, tenant, command_id)
                if sent is not None:
                    await self._outbox.put_again(tx, sent.topic, sent.record)
                    ASKED_AGAIN.inc()

    # rebuilding

    async def reconcile(self, client: Client) -> None:
        """Compares rows with executions both ways: missing ones are started again, stray ones ended."""
        missing = 0
        async for page in self._pages_with_execution():
            open_ids = await _open_among(client, [_ref(timer, timer.generation).workflow_id for timer in page])
            gone = [timer for timer in page if _ref(timer, timer.generation).workflow_id not in open_ids]
            await self._each(gone, lambda timer: self._revive_if_gone(client, timer))
            missing += len(gone)
            await asyncio.sleep(len(gone) / REBUILT_PER_S)
        stray = await self._end_strays(client)
        logger.info("reconciled", missing=missing, stray=stray)

    async def _pages_with_execution(self) -> AsyncIterator[list[Timer]]:
        after: UUID | None = None
        while True:
            async with self._database.delivery() as tx:
                page = await self._store.timers.with_execution(tx, after, BATCH)
            if not page:
                return
            yield page
            after = page[-1].run_id

    async def _end_strays(self, client: Client) -> int:
        """The listing only proposes (it lags behind); the row decides."""
        stray = 0
        async for execution in client.list_workflows("WorkflowType='RuleRun' AND ExecutionStatus='Running'"):
            run_id, generation = _parse(execution.id)
            async with self._database.delivery() as tx:
                timer = (await self._store.timers.by_runs(tx, [run_id])).get(run_id)
            if timer is None or generation < timer.scheduled_generation:
                stray += await _terminate(client, execution.id, "stray")
                REPAIRED.labels("stray").inc()
        return stray


def _every(period: timedelta) -> Callable[[], Awaitable[None]]:
    return lambda: asyncio.sleep(period.total_seconds())


def _ref(timer: Timer, generation: int) -> RunRef:
    return RunRef(tenant=timer.tenant, run_id=timer.run_id, generation=generation)


def _parse(workflow_id: str) -> tuple[UUID, int]:
    _, run_id, generation = workflow_id.split("/")
    return UUID(run_id), int(generation)


async def _terminate(client: Client, workflow_id: str, reason: str) -> bool:
    """Whether there was an open execution to end."""
    try:
        await client.get_workflow_handle(workflow_id).terminate(reason=reason)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _is_open(client: Client, workflow_id: str) -> bool:
    try:
        description = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return description.status is WorkflowExecutionStatus.RUNNING


async def _open_among(client: Client, ids: Sequence[str]) -> set[str]:
    """Those of the executions that Temporal's listing knows as open; it may lag, so absence is only a hint."""
    quoted = ", ".join(f"'{workflow_id}'" for workflow_id in ids)
    query = f"WorkflowId IN ({quoted}) AND ExecutionStatus='Running'"
    return {execution.id async for execution in client.list_workflows(query)}
