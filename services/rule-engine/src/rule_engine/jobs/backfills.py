"""Plans the rules of a stage for the items that are in it already."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from contracts.contexts import StageItems
from contracts.kit import telemetry
from contracts.kit.broker import OutageError
from contracts.kit.client import ServiceRefusalError
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database, after_commit
from contracts.kit.errors import RetryLaterError
from contracts.kit.worker import Job, Task
from contracts.values import ItemSnapshot
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.recorder import LOOK_AGAIN
from rule_engine.domain.execution.backfills import begin_backfill
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Execution, RuleProgress, State
from rule_engine.domain.execution.step import wake_at
from rule_engine.gateway import EntityService, TimesOf
from rule_engine.store import Store
from rule_engine.store.backfills import Backfill
from rule_engine.store.entries import StoredEntry
from rule_engine.store.runs import Run, new_run

PAGE = 100
"""Items that are planned in one transaction."""


class BackfillJob:
    """Plans a backfill page by page. What is planned and how far it has got are one transaction, so the successor of a
    killed worker goes on where that one ended. Planning the same twice gives the same runs.
    """

    def __init__(
        self, database: Database, store: Store, entity_service: EntityService, open_runs: OpenRuns, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._entity_service = entity_service
        self._open_runs = open_runs
        self._clock = clock

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """Plans one page; the next one when it is the tenant's turn again, lest long ones block others."""
        try:
            await self._page(task)
        except (OutageError, ServiceRefusalError) as error:
            raise RetryLaterError(str(error)) from error

    async def give_up(self, task: Task, reason: str) -> None:
        async with self._database.transaction(task.tenant) as tx:
            backfill = await self._store.backfills.get(tx, task.tenant, task.id, lock=True)
            if await task.complete(tx) and backfill is not None:
                await self._store.backfills.save(tx, replace(backfill, given_up=reason, done_at=self._clock()))

    async def _page(self, task: Task) -> None:
        async with self._database.transaction(task.tenant) as tx:
            before = await self._store.backfills.get(tx, task.tenant, task.id)
        if before is None:
            raise LookupError(f"no backfill {task.id}: it is recorded together with its work")
        page = await self._entity_service.in_stage(
            task.tenant, before.pipeline, before.stage, after=before.last_item, limit=PAGE
        )
        times = await self._entity_service.times([task.tenant], [(task.tenant, item.id) for item in page.items])
        async with self._database.transaction(task.tenant) as tx:
            backfill = await self._store.backfills.get(tx, task.tenant, task.id, lock=True)
            if backfill == before:
                await self._plan(tx, task, before, page, times)
            await task.hand_back(tx, self._clock())

    async def _plan(self, tx: Connection, task: Task, backfill: Backfill, page: StageItems, times: TimesOf) -> None:
        if not page.items:
            await self._store.backfills.save(tx, replace(backfill, done_at=self._clock()))
            await task.complete(tx)
            return
        if refusal := (await self._open_runs.refusals(tx, [task.tenant])).get(task.tenant):
            await self._store.backfills.save(tx, replace(backfill, given_up=refusal, done_at=self._clock()))
            await task.complete(tx)
            return
        runs = await self._runs(tx, backfill, page.items, times)
        await self._add(tx, runs)
        planned = len({run.item_id for run, _ in runs})
        await self._store.backfills.save(
            tx,
            replace(
                backfill,
                last_item=page.items[-1].id,
                planned=backfill.planned + planned,
                passed_over=backfill.passed_over + len(page.items) - planned,
            ),
        )

    async def _runs(
        self, tx: Connection, backfill: Backfill, items: Sequence[ItemSnapshot], times: TimesOf
    ) -> list[tuple[Run, frozenset[str]]]:
        """New runs, each with the ids of its rules that were planned before."""
        tenant = backfill.tenant_id
        heads = await self._store.entries.lock_heads(tx, [(tenant, item.id) for item in items])
        in_stage = {
            (tenant, item.id): item.entry_seq
            for item in items
            if heads[tenant, item.id].last_entry_seq == item.entry_seq and not heads[tenant, item.id].deleted
        }
        entries = await self._store.entries.present(tx, in_stage)
        known = await self._known(tx, tenant, [entry.id for entry in entries])
        stages = await self._store.programs.of_version(tx, tenant, backfill.rule_set, backfill.version)
        snapshots = {item.id: item for item in items}
        return [
            (_run(backfill, entry, program, state), frozenset(known[entry.id]))
            for entry in entries
            for program in stages.get(backfill.stage, ())
            if (state := _begin(program, known[entry.id], entry, snapshots[entry.entry.item_id], times)) is not None
        ]

    async def _known(
        self, tx: Connection, tenant: UUID, entries: Sequence[UUID]
    ) -> Mapping[UUID, Mapping[str, RuleProgress]]:
        """What became of the rules planned for entries, by entry and rule."""
        found: dict[UUID, dict[str, RuleProgress]] = defaultdict(dict)
        for one in await self._store.rule_runs.ended(tx, tenant, entries):  # also those that a later version has not
            found[one["entry_id"]][one["rule_id"]] = RuleProgress(state=one["state"], reason=one["reason"])
        for row in await self._store.runs.of_entries(tx, tenant, entries):
            found[row.origin.id] |= (await self._store.programs.of_run(tx, row)).state.rules
        return found

    async def _add(self, tx: Connection, runs: Sequence[tuple[Run, frozenset[str]]]) -> None:
        """Rules that were planned before are listed with the run that planned them."""
        now = self._clock()
        await self._store.runs.add(tx, [run for run, _ in runs], now)
        await self._store.rule_runs.save(tx, [(run, _without(run.state, known)) for run, known in runs], now)
        await self._store.timers.add(tx, [(run.id, run.tenant, _first_timer(run, now)) for run, _ in runs])
        after_commit(lambda: self._open_runs.add([run.tenant for run, _ in runs]))


def _begin(
    program: Program, known: Mapping[str, RuleProgress], origin: StoredEntry, item: ItemSnapshot, times: TimesOf
) -> State | None:
    return begin_backfill(program, known, replace(origin.entry, snapshot=item), times.of(origin.tenant, item.id))


def _without(state: State, known: frozenset[str]) -> tuple[Execution, ...]:
    return tuple(one for one in state.executions.values() if one.rule_id not in known)


def _first_timer(run: Run, now: datetime) -> datetime:
    return max(wake_at(run.program, run.state, now) or now + LOOK_AGAIN, now)


def _run(backfill: Backfill, origin: StoredEntry, program: Program, state: State) -> Run:
    id = uuid5(backfill.tenant_id, f"{backfill.id}/{origin.entry.item_id}/{program.chain}")
    version = (backfill.rule_set, backfill.version)
    planned = OpenRun(id, origin.entry, program, state)
    return new_run(planned, origin, version, telemetry.traceparent(), backfill.requested_at)
