"""Deletes what is too old."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from rule_engine.store import Store

FORGET_AT_ONCE = 10_000


class Forgetting:
    """Deletes decisions, and the history of rules, after so many days."""

    def __init__(self, database: Database, store: Store, clock: Clock, days: int) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._days = days

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self.once()
            await asyncio.sleep(3600)

    async def once(self) -> int:
        """Deletes everything that is too old, a batch per transaction; says how many rows."""
        before, gone = self._clock() - timedelta(days=self._days), 0
        while batch := await self._forget(before):
            gone += batch
        return gone

    async def _forget(self, before: datetime) -> int:
        async with self._database.delivery() as tx:
            return await self._store.decisions.forget(tx, before, FORGET_AT_ONCE)
