"""Leased work: a handler records slow work, a worker does it outside of any consumer's transaction.

A row of `work` is leased for a while; the job does the slow thing and then, in one transaction, completes the row
and stores the outcome. A worker that is killed loses its lease, and another does the job again: so a job must be able
to find out, or make sure by an idempotency key, that the effect exists already.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog

from contracts.kit import telemetry
from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.errors import RetryLaterError
from contracts.kit.failures import in_words
from contracts.kit.shares import most_of, tenants_of

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
POLL_S = 1.0
MAX_BACKOFF_S = 3600.0


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of leased work. `id` is that of the thing to work on; `attempt` counts from 1."""

    id: UUID
    tenant: UUID
    kind: str
    attempt: int
    lease: UUID
    created_at: datetime
    traceparent: str | None

    async def complete(self, tx: Connection) -> bool:
        """Ends the work in the transaction that stores its outcome; false when the lease was lost: store nothing."""
        done = await tx.fetchval(
            "DELETE FROM work WHERE tenant_id = $1 AND id = $2 AND lease = $3 RETURNING true",
            self.tenant,
            self.id,
            self.lease,
        )
        return bool(done)

    async def hand_back(self, tx: Connection, run_at: datetime) -> bool:
        """Ends a turn of long work in the transaction that stores how far it has got; false when the lease was lost.

        The rest is due at `run_at`, as a first attempt, when it is the tenant's turn again.
        """
        handed_back = await tx.fetchval(
            """UPDATE work SET lease = NULL, leased_until = NULL, run_at = $3, attempts = 0, last_error = NULL
               WHERE tenant_id = $4 AND id = $1 AND lease = $2 RETURNING true""",
            self.id,
            self.lease,
            run_at,
            self.tenant,
        )
        return bool(handed_back)


@dataclass(frozen=True, slots=True)
class Job:
    """How one kind of work is done, and what to do when it is given up.

    `run` completes the task itself. It raises `RetryLaterError` to be called again, at most `attempts` times in all.
    An outage is waited out; any other error would come again, so the work is given up at once. `give_up` stores the
    failure and completes the task; its reason is for people.
    """

    run: Callable[[Task], Awaitable[None]]
    give_up: Callable[[Task, str], Awaitable[None]]
    attempts: int = 8
    backoff_s: float = 1.0


async def enqueue(tx: Connection, *, id: UUID, tenant: UUID, kind: str, run_at: datetime) -> None:
    """Records work in the business transaction; the same id twice is one piece of work."""
    await tx.execute(
        """INSERT INTO work (id, tenant_id, kind, run_at, traceparent) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING""",
        id,
        tenant,
        kind,
        run_at,
        telemetry.traceparent(),
    )


async def cancel(tx: Connection, tenant: UUID, id: UUID) -> bool:
    """Deletes work that no worker has begun; false when it is done or leased."""
    cancelled = await tx.fetchval(
        "DELETE FROM work WHERE tenant_id = $1 AND id = $2 AND lease IS NULL RETURNING true", tenant, id
    )
    return bool(cancelled)


class Worker:
    """Does the work of `jobs`, at most `concurrency` pieces at a time in this process, in turns by tenant.

    Next is the oldest piece of the tenant with the fewest pieces under way here, of the tenants whose turn is near; one
    tenant has at most three quarters of the places, so that its slow pieces leave room for the others.
    """

    def __init__(  # noqa: PLR0913 - what work needs, and how it is shared out
        self,
        database: Database,
        jobs: Mapping[str, Job],
        clock: Clock,
        concurrency: int = 8,
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._lasts = lease
        self._free = asyncio.Semaphore(concurrency)
        self._most = most_of(concurrency)
        self._under_way: Counter[UUID] = Counter()
        self._served = _NOBODY
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Works until cancelled; pieces under way are finished first."""
        try:
            while True:
                self._woken.clear()
                if not await self._take_one():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), POLL_S)
        finally:
            if self._running:
                await asyncio.wait(self._running)

    async def _take_one(self) -> bool:
        await self._free.acquire()
        try:
            task = await self._lease_next()
        except INFRASTRUCTURE_ERRORS as error:
            logger.warning("worker waits for the database", error=type(error).__name__)
            task = None
        if task is None:
            self._free.release()
            return False
        running = asyncio.create_task(self._work(task))
        self._running.add(running)
        self._under_way[task.tenant] += 1
        running.add_done_callback(lambda ended: self._finished(task.tenant, ended))
        return True

    def _finished(self, tenant: UUID, running: "asyncio.Task[None]") -> None:
        if not running.cancelled() and (error := running.exception()):
            logger.error("work was left to its lease", exc_info=error)
        self._running.discard(running)
        self._under_way -= Counter({tenant: 1})
        self._free.release()
        self._woken.set()

    async def _lease_next(self) -> Task | None:
        """Leases the next piece: tenants take turns, from the one behind the tenant that was served last."""
        task = await self._lease()
        if task is None and self._served != _NOBODY:
            self._served = _NOBODY
            task = await self._lease()
        if task is not None:
            self._served = task.tenant
        return task

    async def _lease(self) -> Task | None:
        now = self._clock()
        async with self._database.delivery() as tx:
            row = await tx.fetchrow(
                LEASE_ONE,
                uuid4(),
                now + self._lasts,
                now,
                list(self._jobs),
                list(self._under_way.keys()),
                list(self._under_way.values()),
                self._most,
                self._served,
            )
        return Task(*row) if row else None

    async def _work(self, task: Task) -> None:
        job = self._jobs[task.kind]
        renewal = asyncio.create_task(self._renew(task))
        span = telemetry.span(f"work {task.kind}", task.traceparent, since=task.created_at)
        try:
            with span, telemetry.about(tenant_id=task.tenant, work_id=task.id):
                await self._attempt_or_leave(job, task)
        finally:
            renewal.cancel()

    async def _attempt_or_leave(self, job: Job, task: Task) -> None:
        """While the database is away, work cannot even be put off: its lease ends by itself."""
        try:
            await self._attempt(job, task)
        except INFRASTRUCTURE_ERRORS as error:
            telemetry.failed(error)
            logger.warning("work waits for the database", kind=task.kind, error=type(error).__name__)

    async def _attempt(self, job: Job, task: Task) -> None:
        began = time.perf_counter()
        try:
            await job.run(task)
            telemetry.WORK.labels(task.kind, "done").inc()
        except INFRASTRUCTURE_ERRORS as error:
            telemetry.failed(error)
            await self._again(job, task, type(error).__name__, None, counted=False)
        except RetryLaterError as error:
            telemetry.failed(error)
            await self._again_or_give_up(job, task, str(error), error.after_s)
        except Exception as error:
            telemetry.failed(error)
            logger.exception("work failed", kind=task.kind, attempt=task.attempt)
            await self._give_up(job, task, in_words(error))
        finally:
            telemetry.observe(telemetry.WORK_SECONDS.labels(task.kind), time.perf_counter() - began)

    async def _again_or_give_up(self, job: Job, task: Task, reason: str, after_s: float | None) -> None:
        if task.attempt < job.attempts:
            await self._again(job, task, reason, after_s)
        else:
            await self._give_up(job, task, reason)

    async def _give_up(self, job: Job, task: Task, reason: str) -> None:
        try:
            await job.give_up(task, reason)
            telemetry.WORK.labels(task.kind, "given_up").inc()
        except INFRASTRUCTURE_ERRORS:
            raise
        except Exception:
            logger.exception("work could not be given up", kind=task.kind)
            await self._again(job, task, reason, None)

    async def _again(self, job: Job, task: Task, reason: str, after_s: float | None, *, counted: bool = True) -> None:
        """Puts the work off; an outage does not count as an attempt."""
        telemetry.WORK.labels(task.kind, "retried").inc()
        pause = after_s if after_s is not None else backoff_s(job.backoff_s, task.attempt)
        async with self._database.delivery() as tx:
            await tx.execute(
                """UPDATE work SET lease = NULL, leased_until = NULL, run_at = $3, last_error = $4, attempts = $5
                   WHERE id = $1 AND lease = $2 AND tenant_id = $6""",
                task.id,
                task.lease,
                self._clock() + timedelta(seconds=pause),
                reason[:500].replace("\x00", ""),
                task.attempt if counted else task.attempt - 1,
                task.tenant,
            )

    async def _renew(self, task: Task) -> None:
        """Keeps the lease of work that takes long."""
        while True:
            await asyncio.sleep(self._lasts.total_seconds() / 3)
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self._extend(task)

    async def _extend(self, task: Task) -> None:
        async with self._database.delivery() as tx:
            await tx.execute(
                "UPDATE work SET leased_until = $3 WHERE id = $1 AND lease = $2 AND tenant_id = $4",
                task.id,
                task.lease,
                self._clock() + self._lasts,
                task.tenant,
            )


_NOBODY = UUID(int=0)
_NEAR = 32
LEASE_ONE = f"""
WITH RECURSIVE {tenants_of("work", "tenant_id > $8")},
near AS (
    SELECT t.tenant_id, first.kind, first.due_at FROM tenants t CROSS JOIN LATERAL (
        SELECT k.kind, w.due_at FROM unnest($4::text[]) AS k (kind) CROSS JOIN LATERAL (
            SELECT due_at FROM work w WHERE w.tenant_id = t.tenant_id AND w.kind = k.kind AND due_at <= $3
            ORDER BY due_at LIMIT 1) AS w
        ORDER BY w.due_at LIMIT 1) AS first
    WHERE (SELECT min(due_at AT TIME ZONE 'UTC') FROM work) <= $3 AT TIME ZONE 'UTC'
    LIMIT {_NEAR}
),
turns AS (
    SELECT n.tenant_id, n.kind FROM near n
    LEFT JOIN unnest($5::uuid[], $6::int[]) AS u (tenant_id, pieces) USING (tenant_id)
    WHERE coalesce(u.pieces, 0) < $7
    ORDER BY coalesce(u.pieces, 0), n.due_at
),
taken AS (
    SELECT next.tenant_id, next.id FROM turns t CROSS JOIN LATERAL (
        SELECT tenant_id, id FROM work w WHERE w.tenant_id = t.tenant_id AND w.kind = t.kind AND due_at <= $3
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
    LIMIT 1
)
UPDATE work SET lease = $1, leased_until = $2, attempts = attempts + 1
WHERE (tenant_id, id) = (SELECT tenant_id, id FROM taken)
RETURNING id, tenant_id, kind, attempts, lease, created_at, traceparent
"""  # noqa: S608 - a name from our own code
"""`due_at` is the end of the lease for leased work, and the due time for waiting work.

Only the piece that is taken is locked; a tenant whose pieces others are locking is skipped.
"""


def backoff_s(first: float, attempt: int) -> float:
    """Doubling from `first`, with jitter, at most an hour."""
    return min(first * 2.0 ** (attempt - 1), MAX_BACKOFF_S) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
