"""What is done now and then: forgetting which items automation made, and ending locks whose time is over."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from entity_service import store
from entity_service.application.locks import Locks

KEPT = timedelta(days=7)
"""A rule that waited over an hour starts a new root, and a path has at most 16 rules: no root lives for a day."""
EVERY_S = 3600.0
AT_ONCE = 10_000
LOCKS_AT_ONCE = 100
UNLOCK_EVERY_S = 60.0


class Forgetting:
    """Deletes a batch per transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self.once()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> int:
        """Says how many rows are gone."""
        gone = 0
        while batch := await self._forget():
            gone += batch
        return gone

    async def _forget(self) -> int:
        async with self._database.delivery() as tx:
            return await store.automatic_items.forget(tx, KEPT, AT_ONCE)


class Unlocking:
    """Ends locks that nobody has taken back in time, so that those who wait for them go on."""

    def __init__(self, database: Database, locks: Locks, clock: Clock) -> None:
        self._database = database
        self._locks = locks
        self._clock = clock

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self.once()
            await asyncio.sleep(UNLOCK_EVERY_S)

    async def once(self) -> None:
        async with self._database.delivery() as tx:
            found = await store.locks.items_with_over(tx, self._clock(), LOCKS_AT_ONCE)
        for tenant, item in found:
            await self._unlock(tenant, item)

    async def _unlock(self, tenant: UUID, item: UUID) -> None:
        async with self._database.transaction(tenant) as tx:
            if await store.items.lock(tx, tenant, item) is not None:
                await self._locks.hand_on(tx, tenant, item)
