"""Migrations: requests that waiting runs go on in another version, how far each is, and what became of the runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from contracts.kit.database import Connection
from contracts.kit.rows import insert, update
from rule_engine.domain.execution.migration import Place

MigrationStatus = Literal["planned", "running", "done", "cancelled", "failed"]
_PLACES: TypeAdapter[Sequence[Place]] = TypeAdapter(Sequence[Place])


@dataclass(frozen=True, slots=True)
class Migration:
    """One request. `waiting` runs were meant when it was made; `last_item` and `last_run` are those looked at last.

    `runs`, `versions` and `stages`, where not null, say which runs of other versions are meant; those of a canary that
    is on never are.
    """

    tenant_id: UUID
    id: UUID
    code: str
    workflow: bool
    version: int
    """Where the runs go on."""
    dry_run: bool
    runs: Sequence[UUID] | None
    versions: Sequence[int] | None
    stages: Sequence[str] | None
    requested_by: str
    requested_at: datetime
    status: MigrationStatus = "planned"
    reason: str | None = None
    waiting: int = 0
    migrated: int = 0
    left_alone: int = 0
    last_item: UUID | None = None
    last_run: UUID | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


@dataclass(frozen=True, slots=True)
class MigratedRun:
    """What became of a run, or would become of it: its places before and after; `reason` says why it does not move."""

    run_id: UUID
    item_id: UUID
    stage: str
    from_version: int
    reason: str | None = None
    before: Sequence[Place] = field(default=())
    after: Sequence[Place] = field(default=())

    @property
    def moves(self) -> bool:
        return self.reason is None


_MEANT = """FROM runs WHERE tenant_id = $1 AND NOT finished AND rule_set = $2 AND workflow = $3 AND version <> $4
    AND NOT EXISTS (SELECT FROM canaries c WHERE c.tenant_id = $1 AND c.code = $2 AND c.workflow = $3
        AND c.state = 'on' AND c.version = runs.version)
    AND ($5::uuid[] IS NULL OR id = ANY ($5)) AND ($6::int[] IS NULL OR version = ANY ($6))
    AND ($7::text[] IS NULL OR stage = ANY ($7))"""


class Migrations:
    """Statements on `migrations` and `migrated_runs`, and on the runs that are meant."""

    async def add(self, tx: Connection, one: Migration) -> None:
        await insert(tx, "migrations", asdict(one))

    async def get(self, tx: Connection, tenant: UUID, id: UUID, *, lock: bool = False) -> Migration | None:
        statement = "SELECT * FROM migrations WHERE tenant_id = $1 AND id = $2"
        row = await tx.fetchrow(statement + (" FOR UPDATE" if lock else ""), tenant, id)
        return _migration(row) if row else None

    async def page(
        self, tx: Connection, tenant: UUID, code: str, *, workflow: bool, before: UUID | None, limit: int
    ) -> list[Migration]:
        """Of a rule set or workflow, the newest first."""
        rows = await tx.fetch(
            """SELECT * FROM migrations WHERE tenant_id = $1 AND workflow = $2 AND code = $3
               AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5""",
            tenant,
            workflow,
            code,
            before,
            limit,
        )
        return [_migration(row) for row in rows]

    async def save(self, tx: Connection, one: Migration) -> None:
        """Writes how far it has got."""
        await update(tx, "migrations", asdict(one), key=("tenant_id", "id"))

    async def meant(self, tx: Connection, one: Migration) -> int:
        """How many runs it still means."""
        count: int = await tx.fetchval(f"SELECT count(*) {_MEANT}", *_filter(one))  # noqa: S608 - constants
        return count

    async def known(self, tx: Connection, one: Migration, runs: Sequence[UUID]) -> dict[UUID, MigratedRun]:
        """Those of the runs that it means, by id; nothing has become of them yet."""
        rows = await tx.fetch(
            f"SELECT id, item_id, stage, version {_MEANT} AND id = ANY ($8)",  # noqa: S608
            *_filter(one),
            runs,
        )
        return {row["id"]: MigratedRun(row["id"], row["item_id"], row["stage"], row["version"]) for row in rows}

    async def next_runs(self, tx: Connection, one: Migration, limit: int) -> list[tuple[UUID, UUID]]:
        """The next runs that it means (item, run), in this order."""
        rows = await tx.fetch(
            f"""SELECT item_id, id {_MEANT} AND ($8::uuid IS NULL OR (item_id, id) > ($8, $9))
                ORDER BY item_id, id LIMIT $10""",  # noqa: S608
            *_filter(one),
            one.last_item,
            one.last_run,
            limit,
        )
        return [(row["item_id"], row["id"]) for row in rows]

    async def note(self, tx: Connection, one: Migration, runs: Sequence[MigratedRun], now: datetime) -> None:
        """Records what became of runs."""
        of_all = {"tenant_id": one.tenant_id, "migration_id": one.id, "at": now}
        await insert(tx, "migrated_runs", *(of_all | _row(run) for run in runs))

    async def noted(
        self, tx: Connection, one: Migration, *, moves: bool | None, after: UUID | None, limit: int
    ) -> list[MigratedRun]:
        """What became of runs, by id."""
        rows = await tx.fetch(
            """SELECT * FROM migrated_runs WHERE tenant_id = $1 AND migration_id = $2
               AND ($3::boolean IS NULL OR moves = $3) AND ($4::uuid IS NULL OR run_id > $4)
               ORDER BY run_id LIMIT $5""",
            one.tenant_id,
            one.id,
            moves,
            after,
            limit,
        )
        return [_migrated(row) for row in rows]

    async def of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> list[asyncpg.Record]:
        """The migrations that have moved a run, the first one first."""
        return await tx.fetch(
            """SELECT q.migration_id AS id, q.at, q.from_version, m.version AS to_version, m.requested_by
               FROM migrated_runs q JOIN migrations m ON m.tenant_id = q.tenant_id AND m.id = q.migration_id
               WHERE q.tenant_id = $1 AND q.run_id = $2 AND q.moves AND NOT m.dry_run ORDER BY q.at""",
            tenant,
            run_id,
        )


def _filter(one: Migration) -> tuple[object, ...]:
    return one.tenant_id, one.code, one.workflow, one.version, one.runs, one.versions, one.stages


def _migration(row: asyncpg.Record) -> Migration:
    return Migration(**{name: row[name] for name in Migration.__slots__})


def _migrated(row: asyncpg.Record) -> MigratedRun:
    places = {name: _PLACES.validate_python(row[name]) for name in ("before", "after")}
    return MigratedRun(**{name: row[name] for name in MigratedRun.__slots__} | places)


def _row(run: MigratedRun) -> dict[str, object]:
    return asdict(run) | {"moves": run.moves, "before": _dumped(run.before), "after": _dumped(run.after)}


def _dumped(places: Sequence[Place]) -> object:
    return _PLACES.dump_python(places, mode="json")
