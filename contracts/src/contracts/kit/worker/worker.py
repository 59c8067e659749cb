"""Does leased work, in turns by tenant."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from contracts.kit import telemetry
from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from contracts.kit.errors import RetryLaterError
from contracts.kit.failures import in_words
from contracts.kit.shares import most_of
from contracts.kit.worker.leasing import LEASE_ONE
from contracts.kit.worker.task import Job, Task
from contracts.texts import readable_reason

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
POLL_S = 1.0
MAX_BACKOFF_S = 3600.0
MAX_ERROR = 500
ALONE_AFTER, MOST_LOST = 2, 5
"""Leases lost in a row after which a piece is worked on alone, and after which it is given up."""
_NOBODY = UUID(int=0)


class Worker:
    """Does the work of `jobs`, at most `concurrency` pieces at a time in this process, in turns by tenant.

    Next is the oldest piece of the tenant with the fewest pieces under way here, of the tenants whose turn is near; one
    tenant has at most three quarters of the places, so that its slow pieces leave room for the others.

    A piece may end the process that works on it, and with it the leases of all pieces under way. So a piece that lost
    some leases in a row is worked on alone: nothing else is under way here then, and only the one to blame loses more.
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
        if task.lost >= ALONE_AFTER:
            await asyncio.wait({running})
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
                if task.lost >= ALONE_AFTER:
                    await self._others_end()
                await self._attempt_or_leave(job, task)
        finally:
            renewal.cancel()

    async def _others_end(self) -> None:
        if others := self._running - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def _attempt_or_leave(self, job: Job, task: Task) -> None:
        try:
            await self._attempt(job, task)
        except INFRASTRUCTURE_ERRORS as error:
            telemetry.failed(error)
            logger.warning("work waits for the database", kind=task.kind, error=type(error).__name__)
            await self._put_off_when_back(job, task, type(error).__name__)

    async def _put_off_when_back(self, job: Job, task: Task, reason: str) -> None:
        """Puts work off once the database answers again, so that an outage does not count as a process that ended.

        When the outage outlasts the lease, the lease ends by itself.
        """
        ends_at = time.monotonic() + self._lasts.total_seconds()
        while time.monotonic() < ends_at:
            try:
                await self._again(job, task, reason, None, counted=False)
                return
            except INFRASTRUCTURE_ERRORS:
                await asyncio.sleep(POLL_S)

    async def _attempt(self, job: Job, task: Task) -> None:
        if task.lost >= MOST_LOST:
            logger.error("work ended its process again and again", kind=task.kind)
            await self._give_up(job, task, f"the process that worked on it ended {task.lost} times")
            return
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
                """UPDATE work SET lease = NULL, leased_until = NULL, lost = 0, run_at = $3, last_error = $4,
                       attempts = $5 WHERE id = $1 AND lease = $2 AND tenant_id = $6""",
                task.id,
                task.lease,
                self._clock() + timedelta(seconds=pause),
                readable_reason(reason, MAX_ERROR),
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


def backoff_s(first: float, attempt: int) -> float:
    """Doubling from `first`, with jitter, at most an hour."""
    return min(first * 2.0 ** (attempt - 1), MAX_BACKOFF_S) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
