"""Leased work: slow things a handler only recorded, done outside any consumer's transaction.

A row of `work` is leased for a while; the job does the slow thing and then, in one transaction, completes the row
and stores what came of it. A worker that is killed loses its lease, and another does the job again: so a job must be
able to find out, or make sure by an idempotency key, that the world has the effect already.
"""

import asyncio
import random
import time
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
        done = await tx.fetchval("DELETE FROM work WHERE id = $1 AND lease = $2 RETURNING true", self.id, self.lease)
        return bool(done)


@dataclass(frozen=True, slots=True)
class Job:
    """How one kind of work is done, and what to do when it is given up.

    `run` completes the task itself. It raises `RetryLaterError` to be called again; anything else it raises counts as
    an attempt too. After `attempts` attempts, `give_up` stores the failure and completes the task.
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


async def drop(tx: Connection, id: UUID) -> bool:
    """Takes back work that no worker has begun; false when it is done, or in some worker's hands."""
    dropped = await tx.fetchval("DELETE FROM work WHERE id = $1 AND lease IS NULL RETURNING true", id)
    return bool(dropped)


class Worker:
    """Does the work of `jobs`, at most `concurrency` pieces at a time in this process."""

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
            task = await self._lease()
        except INFRASTRUCTURE_ERRORS as error:
            logger.warning("worker waits for the database", error=type(error).__name__)
            task = None
        if task is None:
            self._free.release()
            return False
        running = asyncio.create_task(self._work(task))
        self._running.add(running)
        running.add_done_callback(self._finished)
        return True

    def _finished(self, running: "asyncio.Task[None]") -> None:
        if not running.cancelled() and (error := running.exception()):
            logger.error("work was left to its lease", exc_info=error)
        self._running.discard(running)
        self._free.release()
        self._woken.set()

    async def _lease(self) -> Task | None:
        now = self._clock()
        async with self._database.delivery() as tx:
            row = await tx.fetchrow(
                """UPDATE work SET lease = $1, leased_until = $2, attempts = attempts + 1 WHERE id = (
                       SELECT id FROM work
                       WHERE run_at <= $3 AND kind = ANY ($4) AND (leased_until IS NULL OR leased_until < $3)
                       ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
                   RETURNING id, tenant_id, kind, attempts, lease, created_at, traceparent""",
                uuid4(),
                now + self._lasts,
                now,
                list(self._jobs),
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
        """What cannot even be put off, since the database is away, is left to its lease."""
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
            await self._again_or_give_up(job, task, telemetry.redacted(f"{type(error).__name__}: {error}"), None)
        finally:
            telemetry.observe(telemetry.WORK_SECONDS.labels(task.kind), time.perf_counter() - began)

    async def _again_or_give_up(self, job: Job, task: Task, reason: str, after_s: float | None) -> None:
        if task.attempt < job.attempts:
            await self._again(job, task, reason, after_s)
            return
        try:
            await job.give_up(task, reason)
            telemetry.WORK.labels(task.kind, "given_up").inc()
        except INFRASTRUCTURE_ERRORS:
            raise
        except Exception:
            logger.exception("work could not be given up", kind=task.kind)
            await self._again(job, task, reason, after_s)

    async def _again(self, job: Job, task: Task, reason: str, after_s: float | None, *, counted: bool = True) -> None:
        """Puts the work off; what a server of ours is to blame for does not count as an attempt."""
        telemetry.WORK.labels(task.kind, "retried").inc()
        pause = after_s if after_s is not None else backoff_s(job.backoff_s, task.attempt)
        async with self._database.delivery() as tx:
            await tx.execute(
                """UPDATE work SET lease = NULL, leased_until = NULL, run_at = $3, last_error = $4, attempts = $5
                   WHERE id = $1 AND lease = $2""",
                task.id,
                task.lease,
                self._clock() + timedelta(seconds=pause),
                reason[:500].replace("\x00", ""),
                task.attempt if counted else task.attempt - 1,
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
                "UPDATE work SET leased_until = $3 WHERE id = $1 AND lease = $2",
                task.id,
                task.lease,
                self._clock() + self._lasts,
            )


def backoff_s(first: float, attempt: int) -> float:
    """Doubling from `first`, with jitter, at most an hour."""
    return min(first * 2.0 ** (attempt - 1), MAX_BACKOFF_S) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
