"""Slow work: backfills are planned, waiting runs are moved to another version, workflows are started for rules, old
decisions are deleted.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import structlog

from contracts.contexts import ItemContext, StageItems
from contracts.kit import telemetry
from contracts.kit.broker import OutageError
from contracts.kit.client import ServiceRefusalError
from contracts.kit.clock import Clock
from contracts.kit.commands import Commands
from contracts.kit.configuration import Changer
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database, after_commit
from contracts.kit.errors import RetryLaterError
from contracts.kit.quotas import OverQuotaError
from contracts.kit.worker import Job, Task
from contracts.messages.results import CommandFailed, CommandRefused, FinalResult
from contracts.texts import readable_reason
from contracts.values import ItemSnapshot
from rule_engine.application.canaries import CANARY, CanaryActions, compared
from rule_engine.application.concurrency import KeyInUseError
from rule_engine.application.migrations import Mover, Page
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.recorder import LOOK_AGAIN, Recorder
from rule_engine.application.workflow_runs import NoSuchWorkflowError, WorkflowStarts
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.execution.backfills import begin_backfill
from rule_engine.domain.execution.canaries import too_bad
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Execution, RuleProgress, State
from rule_engine.domain.execution.step import wake_at
from rule_engine.domain.execution.workflows import terminate
from rule_engine.gateway import EntityService, TimesOf
from rule_engine.messages import workflow_started, workflow_under_way
from rule_engine.store import Store
from rule_engine.store.backfills import Backfill
from rule_engine.store.entries import StoredEntry
from rule_engine.store.migrations import Migration
from rule_engine.store.runs import Run, new_run
from rule_engine.store.workflow_starts import StartRequest

logger = structlog.get_logger(__name__)

PAGE = 100
"""Items that are planned in one transaction."""
MOVED_AT_ONCE = 50
"""Runs that are moved in one transaction."""
FORGET_AT_ONCE = 10_000
LOOK_AT_CANARIES = timedelta(seconds=10)
"""How often a canary is compared with the rest."""


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
        for row in await self._store.rule_runs.ended(tx, tenant, entries):  # also those that a later version has not
            found[row["entry_id"]][row["rule_id"]] = RuleProgress(state=row["state"], reason=row["reason"])
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


class StartJob:
    """Starts the workflows that rules have asked for. Starting the same twice is one run."""

    def __init__(self, database: Database, store: Store, starts: WorkflowStarts, answers: Commands) -> None:
        self._database = database
        self._store = store
        self._starts = starts
        self._answers = answers

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """Starts one, unless it was cancelled meanwhile; a refusal is the answer to its command."""
        async with self._database.transaction(task.tenant) as tx:
            request = await self._store.start_requests.get(tx, task.tenant, task.id)
        try:
            item = await self._starts.item(task.tenant, request.item_id) if request else None
            async with self._database.transaction(task.tenant) as tx:
                if await self._is_ended(tx, task) and request and item:
                    await self._start(tx, request, item)
        except OutageError as error:
            raise RetryLaterError(str(error)) from error
        except NoSuchWorkflowError as error:
            await self._answer(task, CommandRefused(command_id=task.id, reason=f"there is no {error}"))
        except BadStartError as error:
            reason = "; ".join(f"{where}: {what}" for where, what in error.issues)
            await self._answer(task, CommandRefused(command_id=task.id, reason=readable_reason(reason)))
        except (OverQuotaError, KeyInUseError) as error:
            await self._answer(task, CommandRefused(command_id=task.id, reason=str(error)))

    async def give_up(self, task: Task, reason: str) -> None:
        said = readable_reason(f"the workflow could not be started: {reason}")
        await self._answer(task, CommandFailed(command_id=task.id, reason=said, retryable=True))

    async def _start(self, tx: Connection, request: StartRequest, item: ItemSnapshot) -> None:
        run_id = await self._starts.start(tx, request, item)
        if request.wait_for_end:
            progress = workflow_under_way(request.id, request.workflow, run_id)
            await self._answers.progress(tx, request.tenant_id, progress)
        else:
            await self._answers.finish(tx, request.tenant_id, workflow_started(request.id, run_id))

    async def _answer(self, task: Task, result: FinalResult) -> None:
        async with self._database.transaction(task.tenant) as tx:
            if await self._is_ended(tx, task):
                await self._answers.finish(tx, task.tenant, result)

    async def _is_ended(self, tx: Connection, task: Task) -> bool:
        """Ends the work; false when another worker has it, or its command was cancelled."""
        return await task.complete(tx) and await self._store.start_requests.delete(tx, task.tenant, task.id)


class ReplaceJob:
    """Ends the runs that a later run of the same concurrency key replaces, each in a transaction of its own."""

    def __init__(self, database: Database, store: Store, recorder: Recorder, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._clock = clock

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """`task.id` is the later run; once it goes on itself, or has ended, nothing is left to do."""
        try:
            async with self._database.transaction(task.tenant) as tx:
                earlier = await self._store.keyed_runs.before(tx, task.tenant, task.id)
            for run_id in earlier:
                await self._end(task, run_id)
        except OutageError as error:
            raise RetryLaterError(str(error)) from error
        async with self._database.transaction(task.tenant) as tx:
            await task.complete(tx)

    async def give_up(self, task: Task, reason: str) -> None:
        """The later run waits until the earlier ones have ended by themselves."""
        logger.error("runs could not be replaced", run_id=task.id, reason=reason)
        async with self._database.transaction(task.tenant) as tx:
            await task.complete(tx)

    async def _end(self, task: Task, run_id: UUID) -> None:
        async with self._database.transaction(task.tenant) as tx:
            row = await self._store.runs.get(tx, task.tenant, run_id, lock=True)
            run = await self._store.programs.of_run(tx, row) if row and not row.finished else None
            if run is not None and run.state.outcome is None:
                now = self._clock()
                step = terminate(run.program, run.state, f"replaced by run {task.id}", now)
                await self._recorder.record(tx, run, step, now)


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
