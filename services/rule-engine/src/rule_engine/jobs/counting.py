"""Counts unfinished runs in a process that has no scheduler, whose sweep counts them elsewhere."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from rule_engine.application.open_runs import OpenRuns
from rule_engine.store import Store


class Counting:
    """Keeps the counts that requests are refused by."""

    def __init__(self, database: Database, store: Store, open_runs: OpenRuns, clock: Clock, every: timedelta) -> None:
        self._database = database
        self._store = store
        self._open_runs = open_runs
        self._clock = clock
        self._every = every

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self._count()
            await asyncio.sleep(self._every.total_seconds())

    async def _count(self) -> None:
        async with self._database.delivery() as tx:
            counts = await self._store.timers.counts(tx, self._clock())
        self._open_runs.counted({tenant: each.waiting for tenant, each in counts.items()})
