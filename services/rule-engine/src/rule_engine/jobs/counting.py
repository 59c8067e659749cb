"""Counts unfinished runs in every process, also while Temporal is away, since that is when they get overdue."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from prometheus_client import Gauge

from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from rule_engine.application.open_runs import OpenRuns
from rule_engine.store import Store

RUNS_WAITING = Gauge("runs_waiting", "Unfinished runs")
RUNS_OVERDUE = Gauge("runs_overdue", "Unfinished runs that should have been looked at over a minute ago")
RUNS_OVERDUE_TENANTS = Gauge("runs_overdue_tenants", "Tenants of which runs are overdue")
RUNS_STALLED = Gauge("runs_stalled", "Unfinished runs that could not go on three times in a row or more")
RUNS_UNSCHEDULED = Gauge("runs_unscheduled", "Unfinished runs whose next execution is not in Temporal yet")
ASSIGNMENTS_OPEN = Gauge("assignments_open", "What employees are asked for by workflows and have not answered")
ASSIGNMENTS_OLDEST = Gauge("assignments_oldest_seconds", "How long the oldest of these has been waiting")


class Counting:
    """Keeps the counts that requests are refused by, and the figures that are watched."""

    def __init__(self, database: Database, store: Store, open_runs: OpenRuns, clock: Clock, every: timedelta) -> None:
        self._database = database
        self._store = store
        self._open_runs = open_runs
        self._clock = clock
        self._every = every

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self._count(self._clock())
            await asyncio.sleep(self._every.total_seconds())

    async def _count(self, now: datetime) -> None:
        async with self._database.delivery() as tx:
            counts = await self._store.timers.counts(tx, now)
            asked, oldest = await self._store.assignments.open_of_all(tx)
        self._open_runs.counted({tenant: each.waiting for tenant, each in counts.items()})
        RUNS_WAITING.set(sum(each.waiting for each in counts.values()))
        RUNS_OVERDUE.set(sum(each.overdue for each in counts.values()))
        RUNS_OVERDUE_TENANTS.set(sum(each.overdue > 0 for each in counts.values()))
        RUNS_STALLED.set(sum(each.put_off for each in counts.values()))
        RUNS_UNSCHEDULED.set(sum(each.unscheduled for each in counts.values()))
        ASSIGNMENTS_OPEN.set(asked)
        ASSIGNMENTS_OLDEST.set((now - oldest).total_seconds() if oldest else 0)
