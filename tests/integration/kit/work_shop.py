"""A database with leased work, a clock that stands still until it is moved, and what became of the work."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts.kit import worker
from contracts.kit.database import Database
from contracts.kit.worker import Job, Task, Worker
from integration.kit.harness import TENANT, Harness, add_note

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Shop:
    """A database, a clock that stands still until it is moved, and what became of the work."""

    def __init__(self, harness: Harness, database: Database) -> None:
        self.harness = harness
        self.database = database
        self.now = NOON
        self.seen: list[Task] = []
        self.given_up: list[str] = []

    def clock(self) -> datetime:
        return self.now

    async def enqueue(self, run_at: datetime = NOON, id: UUID | None = None, tenant: UUID = TENANT) -> UUID:
        id = id or uuid4()
        async with self.database.transaction(tenant) as tx:
            await worker.enqueue(tx, id=id, tenant=tenant, kind="write", run_at=run_at)
        return id

    async def enqueue_many(self, count: int) -> None:
        """Of one tenant, all due long ago."""
        await self.harness.sql(
            """INSERT INTO work (id, tenant_id, kind, run_at)
               SELECT gen_random_uuid(), $1, 'write', $2::timestamptz - n * interval '1 s'
               FROM generate_series(1, $3) AS n""",
            *(TENANT, NOON, count),
        )

    async def done(self, task: Task) -> bool:
        """Completes the work and stores its outcome."""
        async with self.database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await add_note(tx, task.tenant, str(task.id))
                return True
            return False

    async def give_up(self, task: Task, reason: str) -> None:
        self.given_up.append(reason)
        async with self.database.transaction(task.tenant) as tx:
            await task.complete(tx)

    @asynccontextmanager
    async def working(
        self, run: Callable[[Task], Awaitable[object]], *, attempts: int = 8, backoff_s: float = 10
    ) -> AsyncGenerator[Worker]:
        async def remember(task: Task) -> None:
            self.seen.append(task)
            await run(task)

        job = Job(remember, self.give_up, attempts=attempts, backoff_s=backoff_s)
        it = Worker(self.database, {"write": job}, self.clock)
        task = asyncio.create_task(it.run())
        try:
            yield it
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def rows(self) -> list[tuple[int, bool, datetime, str | None]]:
        """Attempts, whether leased, when due and the last error, of all work."""
        rows = await self.harness.sql(
            "SELECT attempts, lease IS NOT NULL, run_at, last_error FROM work ORDER BY run_at"
        )
        return [tuple(row) for row in rows]
