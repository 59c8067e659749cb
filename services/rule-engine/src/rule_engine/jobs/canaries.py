"""Compares canaries with the rest, and rolls back."""

from datetime import timedelta

import structlog

from contracts.kit.clock import Clock
from contracts.kit.configuration import Changer
from contracts.kit.database import Database, after_commit
from contracts.kit.worker import Job, Task
from rule_engine.application.canaries import CANARY, CanaryActions, compared
from rule_engine.domain.execution.canaries import too_bad
from rule_engine.store import Store

logger = structlog.get_logger(__name__)

LOOK_AT_CANARIES = timedelta(seconds=10)
"""How often a canary is compared with the rest."""


class CanaryJob:
    """Watches a canary until it has ended, and rolls it back when it is too bad. What it finds and what it does are one
    transaction: the successor of a killed worker looks again.
    """

    def __init__(self, database: Database, store: Store, actions: CanaryActions, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._actions = actions
        self._clock = clock

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        async with self._database.transaction(task.tenant) as tx:
            one = await self._store.canaries.get(tx, task.tenant, task.id)
            if one is None or one.state != "on":
                await task.complete(tx)
                return
            found = compared(one, await self._store.canaries.counts(tx, one))
            reason = too_bad(one.thresholds, found.tried, found.rest)
            if reason is None:
                await task.hand_back(tx, self._clock() + LOOK_AT_CANARIES)
            elif await task.complete(tx):
                await self._actions.withdraw(tx, one, Changer(task.tenant, CANARY), reason)
                after_commit(lambda: logger.warning("a canary is rolled back", reason=reason))

    async def give_up(self, task: Task, reason: str) -> None:
        """Nobody would watch it any more: it is rolled back."""
        async with self._database.transaction(task.tenant) as tx:
            one = await self._store.canaries.get(tx, task.tenant, task.id)
            if await task.complete(tx) and one is not None and one.state == "on":
                await self._actions.withdraw(
                    tx, one, Changer(task.tenant, CANARY), f"it could not be watched: {reason}"
                )
