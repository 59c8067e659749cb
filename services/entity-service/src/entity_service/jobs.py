"""Forgets which items rules and triggers made, once no cause can go on any more."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from entity_service import store

KEPT = timedelta(days=7)
"""A rule that waited over an hour starts a new root, and a path has at most 16 rules: no root lives for a day."""
EVERY_S = 3600.0
AT_ONCE = 10_000


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
