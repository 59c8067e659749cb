"""Waiting runs that go on in another version: how operators ask for it, and how a page of runs is moved."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from contracts.contexts import ItemContext
from contracts.issues import Issue
from contracts.kit import worker
from contracts.kit.broker import OUTAGES
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, savepoint
from contracts.texts import readable_reason
from rule_engine.application.recorder import Recorder
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import NewValues, new_values
from rule_engine.domain.errors import EngineError, NotMovableError
from rule_engine.domain.execution.migration import Moved, Place, Target, migrate, places_of, successor
from rule_engine.domain.execution.program import Program
from rule_engine.domain.schedule.due import times_in
from rule_engine.store import Store
from rule_engine.store.migrations import MigratedRun, Migration
from rule_engine.store.programs import WORKFLOW
from rule_engine.store.runs import NewerFormatError, Run

logger = structlog.get_logger(__name__)

MIGRATION = "migration"
"""The kind of the work that moves runs."""
NOTHING_NEW = NewValues({}, {})


class UnknownRunsError(EngineError):
    """Runs are named that a migration cannot mean; `issues` say which."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(map(str, issues)))
        self.issues = issues


class Migrating:
    """Requests and cancels migrations; a leased worker moves the runs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def request(self, tx: Connection, migration: Migration) -> Migration:
        """Records a migration, to be worked on as soon as the transaction commits. Raises `UnknownRunsError`."""
        if migration.runs is not None:
            known = await self._store.migrations.known(tx, migration, migration.runs)
            what = f"no unfinished run of another version than {migration.version}, as asked for"
            if unknown := [Issue(f"runs[{i}]", what) for i, run in enumerate(migration.runs) if run not in known]:
                raise UnknownRunsError(unknown)
        migration = replace(migration, waiting=await self._store.migrations.meant(tx, migration))
        await self._store.migrations.add(tx, migration)
        await worker.enqueue(
            tx, id=migration.id, tenant=migration.tenant_id, kind=MIGRATION, run_at=migration.requested_at
        )
        return migration

    async def cancel(self, tx: Connection, migration: Migration, by: str) -> Migration:
        """What it has not moved yet stays as it is. Changes nothing of one that has ended."""
        if migration.ended:
            return migration
        ended = replace(migration, status="cancelled", reason=f"cancelled by {by}", ended_at=self._clock())
        await self._store.migrations.save(tx, ended)
        return ended


@dataclass(frozen=True, slots=True)
class Page:
    """The next runs of a migration, with their items as they are now; an item that is gone has none."""

    runs: Sequence[tuple[UUID, UUID]]
    """Item and run."""
    contexts: Mapping[UUID, ItemContext]


@dataclass(frozen=True, slots=True)
class _Version:
    """The version that runs are moved to: its programs by stage; the document of a workflow."""

    number: int
    programs: Mapping[str, Sequence[Program]]
    document: WorkflowDocument | None


class Mover:
    """Moves the runs of a page, or finds out what would become of them, in the caller's transaction."""

    def __init__(self, store: Store, recorder: Recorder, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._new_id = new_id

    async def move(self, tx: Connection, migration: Migration, page: Page) -> Migration:
        """Each run with a row of what became of it. Returns how far the migration has got."""
        ids = [run for _, run in page.runs]
        await self._store.runs.lock(tx, migration.tenant_id, ids)
        known = await self._store.migrations.known(tx, migration, ids)
        version = await self._version(tx, migration)
        now, made = self._clock(), list[MigratedRun]()
        for item, id in page.runs:
            if id in known:
                made.append(await self._one(tx, migration, version, known[id], page.contexts.get(item), now))
        await self._store.migrations.note(tx, migration, made, now)
        moved = sum(one.moves for one in made)
        return replace(
            migration,
            status="running",
            last_item=page.runs[-1][0],
            last_run=page.runs[-1][1],
            migrated=migration.migrated + moved,
            left_alone=migration.left_alone + len(made) - moved,
        )

    async def _version(self, tx: Connection, migration: Migration) -> _Version:
        tenant, code, number = migration.tenant_id, migration.code, migration.version
        programs = await self._store.programs.of_version(tx, tenant, code, number, workflow=migration.workflow)
        document = await self._document(tx, tenant, code, number) if migration.workflow else None
        return _Version(number, programs, document)

    async def _document(self, tx: Connection, tenant: UUID, code: str, number: int) -> WorkflowDocument:
        found = await self._store.workflows.version(tx, (tenant, code), number)
        if found is None:
            raise LookupError(f"workflow {code!r} has no version {number}: published ones are never deleted")
        return found[1].document

    async def _one(  # noqa: PLR0913 - what decides on one run
        self,
        tx: Connection,
        migration: Migration,
        version: _Version,
        known: MigratedRun,
        context: ItemContext | None,
        now: datetime,
    ) -> MigratedRun:
        """A run that cannot be moved, for whatever reason, keeps no other from being moved."""
        try:
            async with savepoint(tx):
                return await self._migrated(tx, migration, version, known, context, now)
        except NotMovableError as error:
            reason = str(error)
        except NewerFormatError:
            reason = "a newer release wrote it: this one cannot read it"
        except OUTAGES:
            raise
        except Exception as error:
            logger.exception("a run could not be moved", run_id=known.run_id)
            reason = f"a defect of the engine: {type(error).__name__}"
        return replace(known, before=await self._places(tx, migration, known), reason=readable_reason(reason))

    async def _places(self, tx: Connection, migration: Migration, known: MigratedRun) -> Sequence[Place]:
        """Where a run is that does not move; nothing is known of one that cannot be read."""
        with suppress(NewerFormatError):
            run = await self._run(tx, migration, known)
            return places_of(run.program, run.state)
        return ()

    async def _run(self, tx: Connection, migration: Migration, known: MigratedRun) -> Run:
        row = await self._store.runs.get(tx, migration.tenant_id, known.run_id)
        assert row is not None  # noqa: S101 - it is locked
        return await self._store.programs.of_run(tx, row)

    async def _migrated(  # noqa: PLR0913
        self,
        tx: Connection,
        migration: Migration,
        version: _Version,
        known: MigratedRun,
        context: ItemContext | None,
        now: datetime,
    ) -> MigratedRun:
        run = await self._run(tx, migration, known)
        if context is None:
            raise NotMovableError("its item does not exist any more")
        target = await self._target(tx, version, run, context, now)
        moved = migrate(run.program, run.state, target)
        if not migration.dry_run:
            await self._record(tx, migration, run, target.program, moved, now)
        before, after = places_of(run.program, run.state), places_of(target.program, moved.step.state)
        return replace(known, before=before, after=after)

    async def _target(self, tx: Connection, version: _Version, run: Run, context: ItemContext, now: datetime) -> Target:
        values = NOTHING_NEW
        if version.document is not None:
            program = version.programs[WORKFLOW][0]
            before = await self._document(tx, run.tenant, run.rule_set, run.version)
            values = new_values(before, version.document)
        elif await self._store.entries.is_left(tx, run.tenant, run.origin.id):
            raise NotMovableError("its item has left the stage: what goes on is finished as it began")
        else:
            program = successor(run.program, run.state, version.programs.get(run.stage, ()))
        begun = await self._store.rule_runs.begun(tx, run)
        entry, times = run.entry, times_in(context)
        return Target(
            program, version.number, entry, context.item, times, now, begun, values.parameters, values.variables
        )

    async def _record(  # noqa: PLR0913
        self, tx: Connection, migration: Migration, run: Run, program: Program, moved: Moved, now: datetime
    ) -> None:
        """The run in its new version, with an entry in its journal. Its timer gets a new generation, so an execution
        that waits in Temporal does nothing any more.
        """
        action = f"migrate from version {run.version} to {migration.version}"
        if moved.before is not None:
            run = await self._recorder.record(tx, run, moved.before, now)
        run = replace(run, version=migration.version, chain=program.chain, program=program)
        await self._store.runs.follow(tx, run)
        await self._store.rule_runs.follow(tx, run, moved.kept, now)
        await self._recorder.record(tx, run, moved.step, now)
        await self._store.operator_actions.add(
            tx, run, id=self._new_id(), at=now, subject=migration.requested_by, action=action, rule_id=None
        )
