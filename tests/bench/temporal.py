"""Raw Temporal: a workflow that does one transaction and nothing else, or is parked; and our own driver, watched."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.engine import Engine
from bench.rehearsal import Script, bare_pool
from bench.world import beside
from contracts.kit.clock import utc_now
from contracts.kit.database import Pool
from rule_engine.activities import Activities, RunRef
from rule_engine.main import drive
from rule_engine.settings import Settings
from support.waiting import eventually

AT_ONCE = 32
"""As many as our scheduler starts at a time."""
HALF_A_YEAR = timedelta(days=180)


class Transactions:
    """Runs scripts by number."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.scripts: list[Script] = []

    @activity.defn
    async def transact(self, number: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await self.scripts[number].run(connection)


@workflow.defn
class Bare:
    """One transaction in a local activity."""

    @workflow.run
    async def run(self, number: int) -> None:
        await workflow.execute_local_activity_method(
            Transactions.transact, number, start_to_close_timeout=timedelta(seconds=60)
        )


class BareRuns:
    """Starts raw workflows, as many at a time as ours."""

    def __init__(self, client: Client, queue: str, transactions: Transactions) -> None:
        self.transactions = transactions
        self._client = client
        self._queue = queue

    async def run(self, number: int) -> None:
        """An eager one, to its end."""
        id = f"bare/{uuid4()}"
        await self._client.execute_workflow(Bare.run, number, id=id, task_queue=self._queue, request_eager_start=True)

    async def park(self, number: int) -> None:
        """One that starts in half a year."""
        id = f"bare/{uuid4()}"
        await self._client.start_workflow(Bare.run, number, id=id, task_queue=self._queue, start_delay=HALF_A_YEAR)


async def many(work: Callable[[int], Awaitable[None]], numbers: Iterable[int]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with slots:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))


@asynccontextmanager
async def bare_runs(address: str, settings: Settings) -> AsyncGenerator[BareRuns]:
    """A client, a worker and a pool as ours."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    async with bare_pool(settings.database_url, settings.database_pool) as pool:
        transactions = Transactions(pool)
        worker = Worker(
            client,
            task_queue=f"bare-{uuid4().hex[:8]}",
            workflows=[Bare],
            activities=[transactions.transact],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=100,
        )
        async with worker:
            yield BareRuns(client, worker.task_queue, transactions)


class Watched(Activities):
    """Our activity; notes when each run had been advanced."""

    ended: dict[UUID, datetime]

    @classmethod
    def of(cls, engine: Engine) -> "Watched":
        made = cls(*engine.activity_parts)
        made.ended = {}
        return made

    @activity.defn(name="advance_run")
    async def advance_run(self, ref: RunRef) -> None:
        await super().advance_run(ref)
        self.ended[ref.run_id] = utc_now()

    async def have_ended(self, runs: Iterable[UUID]) -> None:
        wanted = set(runs)

        async def look() -> bool:
            return wanted <= self.ended.keys()

        await eventually(look, "the last run", within_s=1800)


@asynccontextmanager
async def driving(engine: Engine, watched: Watched) -> AsyncGenerator[None]:
    """Our scheduler and worker, until the block ends."""
    async with beside(drive(engine.settings, engine.scheduler, watched)):
        await eventually(lambda: _answers(engine), "the scheduler")
        await asyncio.sleep(1)  # its first reconciliation is no part of what is measured
        yield


async def _answers(engine: Engine) -> bool:
    try:
        await engine.scheduler.ready()
    except Exception:
        return False
    return True
