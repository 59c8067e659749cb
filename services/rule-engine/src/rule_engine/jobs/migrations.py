"""Moves waiting runs to another version."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from contracts.contexts import ItemContext
from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.errors import RetryLaterError
from contracts.kit.worker import Job, Task
from rule_engine.application.migrations import Mover, Page
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.migrations import Migration

MOVED_AT_ONCE = 50
"""Runs that are moved in one transaction."""


class MigrationJob:
    """Moves the runs of a migration page by page, in the order of their items. What is moved and how far it has got are
    one transaction, so the successor of a killed worker goes on where that one ended.
    """

    def __init__(
        self, database: Database, store: Store, entity_service: EntityService, mover: Mover, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._entity_service = entity_service
        self._mover = mover
        self._clock = clock

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """Moves one page; the next one when it is the tenant's turn again."""
        async with self._database.transaction(task.tenant) as tx:
            before = await self._store.migrations.get(tx, task.tenant, task.id)
            if before is None:
                raise LookupError(f"no migration {task.id}: it is recorded together with its work")
            runs = [] if before.ended else await self._store.migrations.next_runs(tx, before, MOVED_AT_ONCE)
        page = Page(runs, await self._contexts(task.tenant, {item for item, _ in runs}))
        async with self._database.transaction(task.tenant) as tx:
            migration = await self._store.migrations.get(tx, task.tenant, task.id, lock=True)
            if migration == before:
                await self._move(tx, task, before, page)
            await task.hand_back(tx, self._clock())

    async def give_up(self, task: Task, reason: str) -> None:
        async with self._database.transaction(task.tenant) as tx:
            migration = await self._store.migrations.get(tx, task.tenant, task.id, lock=True)
            if await task.complete(tx) and migration is not None and not migration.ended:
                failed = replace(migration, status="failed", reason=reason, ended_at=self._clock())
                await self._store.migrations.save(tx, failed)

    async def _contexts(self, tenant: UUID, items: Collection[UUID]) -> Mapping[UUID, ItemContext]:
        if not items:
            return {}
        try:
            return await self._entity_service.contexts(tenant, items, ("contacts", "responsible"))
        except OutageError as error:
            raise RetryLaterError(str(error)) from error

    async def _move(self, tx: Connection, task: Task, migration: Migration, page: Page) -> None:
        if page.runs:
            await self._store.migrations.save(tx, await self._mover.move(tx, migration, page))
        elif await task.complete(tx) and not migration.ended:
            await self._store.migrations.save(tx, replace(migration, status="done", ended_at=self._clock()))
