"""Wakes: when the engine looks at a run next, and which generation Temporal was told of.

No payload in them, so they have no tenant policy: starter, sweep and reconciliation work over all tenants.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.shares import rows_by_tenant


@dataclass(frozen=True, slots=True)
class Wake:
    """`wake_at` null: the run is finished, only its parked execution is left to be ended."""

    run_id: UUID
    tenant: UUID
    gen: int
    driven_gen: int
    wake_at: datetime | None
    parked: bool
    misses: int


OFTEN = 3
"""A run that was put off so often in a row is not waiting for a short outage."""


class Counts(NamedTuple):
    """A tenant's unfinished runs; those overdue by more than a minute, those put off `OFTEN` times in a row."""

    waiting: int
    overdue: int
    put_off: int


_COLUMNS = "run_id, tenant_id, gen, driven_gen, wake_at, parked, misses"
_ROW = ", ".join(f"one.{name}" for name in _COLUMNS.split(", "))
_UNDRIVEN = rows_by_tenant("wakes", _ROW, indexed="driven_gen < gen", where="true", order="wake_at NULLS FIRST")
_OVERDUE = rows_by_tenant("wakes", _ROW, where="driven_gen = gen AND wake_at < $2", order="wake_at")
_LATE = rows_by_tenant(
    "command_deadlines",
    "one.command_id",
    where="ask_again_at < $2",
    order="ask_again_at",
    lock="FOR UPDATE SKIP LOCKED",
)


class Wakes:
    """`wakes` and `command_deadlines`."""

    async def add(self, tx: Connection, wakes: Iterable[tuple[UUID, UUID, datetime]]) -> None:
        """Wakes of new runs: (run, tenant, wake_at)."""
        rows = list(wakes)
        await tx.execute(
            """INSERT INTO wakes (run_id, tenant_id, gen, driven_gen, wake_at)
               SELECT run_id, tenant_id, 1, 0, wake_at
               FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w (run_id, tenant_id, wake_at)
               ON CONFLICT DO NOTHING""",
            [run for run, _, _ in rows],
            [tenant for _, tenant, _ in rows],
            [wake_at for _, _, wake_at in rows],
        )

    async def lock(self, tx: Connection, run_id: UUID) -> Wake | None:
        row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM wakes WHERE run_id = $1 FOR UPDATE", run_id)  # noqa: S608
        return Wake(*row) if row else None

    async def get(self, tx: Connection, run_id: UUID) -> Wake | None:
        row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM wakes WHERE run_id = $1", run_id)  # noqa: S608
        return Wake(*row) if row else None

    async def start_at(self, tx: Connection, run_id: UUID, tenant: UUID, wake_at: datetime, *, ran: bool) -> None:
        """Asks for an execution at a moment. `ran`: the one that was parked has just run."""
        await tx.execute(
            """INSERT INTO wakes AS w (run_id, tenant_id, gen, driven_gen, wake_at)
               VALUES ($1, $2, (SELECT last_gen + 1 FROM runs WHERE tenant_id = $2 AND id = $1), 0, $3)
               ON CONFLICT (run_id) DO UPDATE SET gen = w.gen + 1, wake_at = $3, parked = w.parked AND NOT $4,
                   misses = 0""",
            run_id,
            tenant,
            wake_at,
            ran,
        )

    async def await_result(self, tx: Connection, run_id: UUID, look_again_at: datetime, *, ran: bool) -> None:
        """Nothing to start: only a result can go on. A parked execution that did not run is replaced by a later one."""
        await tx.execute(
            """UPDATE wakes SET gen = gen + 1, wake_at = $2, parked = parked AND NOT $3, misses = 0,
                   driven_gen = CASE WHEN parked AND NOT $3 THEN driven_gen ELSE gen + 1 END
               WHERE run_id = $1""",
            run_id,
            look_again_at,
            ran,
        )

    async def finish(self, tx: Connection, run_id: UUID, tenant: UUID, *, ran: bool) -> None:
        """The run is finished; what is still parked for it is left to the starter to end."""
        gen = await tx.fetchval("DELETE FROM wakes WHERE run_id = $1 AND (NOT parked OR $2) RETURNING gen", run_id, ran)
        if gen is None:
            gen = await tx.fetchval(
                "UPDATE wakes SET gen = gen + 1, wake_at = NULL WHERE run_id = $1 RETURNING gen", run_id
            )
        await tx.execute("UPDATE runs SET last_gen = $3 WHERE tenant_id = $1 AND id = $2", tenant, run_id, gen or 0)

    async def miss(self, tx: Connection, wake: Wake, wake_at: datetime) -> bool:
        """The execution of this generation found a server away: another one, later."""
        return bool(
            await tx.fetchval(
                """UPDATE wakes SET gen = gen + 1, wake_at = $3, parked = false, misses = misses + 1
                   WHERE run_id = $1 AND gen = $2 RETURNING true""",
                wake.run_id,
                wake.gen,
                wake_at,
            )
        )

    # for starter, sweep and reconciliation, as the delivery role

    async def undriven(self, tx: Connection, limit: int) -> list[Wake]:
        """Generations that Temporal has not been told of; equally many of each tenant when they are more."""
        rows = await tx.fetch(_UNDRIVEN, limit)
        return [Wake(*row) for row in rows]

    async def driven(self, tx: Connection, wakes: Sequence[Wake]) -> None:
        """Executions of these generations exist; does nothing where the row has moved on.

        A row that somebody is moving just now is passed over, since waiting for many rows could wait for ever.
        """
        await tx.execute(
            """UPDATE wakes SET driven_gen = gen, parked = true WHERE run_id IN (
                   SELECT w.run_id FROM wakes w JOIN unnest($1::uuid[], $2::int[]) AS k (run_id, gen)
                   ON w.run_id = k.run_id AND w.gen = k.gen WHERE w.driven_gen < w.gen FOR UPDATE OF w SKIP LOCKED)""",
            [wake.run_id for wake in wakes],
            [wake.gen for wake in wakes],
        )

    async def drop(self, tx: Connection, wake: Wake) -> None:
        """Nothing is parked any more for a finished run."""
        await tx.execute("DELETE FROM wakes WHERE run_id = $1 AND gen = $2 AND wake_at IS NULL", wake.run_id, wake.gen)

    async def overdue(self, tx: Connection, before: datetime, limit: int) -> list[Wake]:
        """Driven generations that should have run by now; equally many of each tenant when they are more."""
        rows = await tx.fetch(_OVERDUE, limit, before)
        return [Wake(*row) for row in rows]

    async def parked(self, tx: Connection, after: UUID | None, limit: int) -> list[Wake]:
        """Driven generations with a parked execution, in pages by run id."""
        rows = await tx.fetch(
            f"""SELECT {_COLUMNS} FROM wakes WHERE parked AND driven_gen = gen AND ($1::uuid IS NULL OR run_id > $1)
                ORDER BY run_id LIMIT $2""",  # noqa: S608
            after,
            limit,
        )
        return [Wake(*row) for row in rows]

    async def by_runs(self, tx: Connection, runs: Sequence[UUID]) -> dict[UUID, Wake]:
        rows = await tx.fetch(f"SELECT {_COLUMNS} FROM wakes WHERE run_id = ANY ($1)", runs)  # noqa: S608
        return {row["run_id"]: Wake(*row) for row in rows}

    async def lost(self, tx: Connection, wake: Wake) -> bool:
        """The execution of this generation is gone: a new generation is to be started."""
        return bool(
            await tx.fetchval(
                "UPDATE wakes SET gen = gen + 1, parked = false WHERE run_id = $1 AND gen = $2 RETURNING true",
                wake.run_id,
                wake.gen,
            )
        )

    async def deadlines(self, tx: Connection, now: datetime, next_at: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        """Takes commands (tenant, id) that have had no final result for too long, and sets their next deadline.

        Equally many of each tenant when they are more.
        """
        rows = await tx.fetch(
            f"""UPDATE command_deadlines SET ask_again_at = $3 WHERE command_id IN ({_LATE})
                RETURNING tenant_id, command_id""",  # noqa: S608 - a constant
            limit,
            now,
            next_at,
        )
        return [(row["tenant_id"], row["command_id"]) for row in rows]

    async def counts(self, tx: Connection, now: datetime) -> dict[UUID, Counts]:
        """By tenant."""
        rows = await tx.fetch(
            """SELECT tenant_id, count(*), count(*) FILTER (WHERE wake_at < $1::timestamptz - interval '1 minute'),
                   count(*) FILTER (WHERE misses >= $2)
               FROM wakes WHERE wake_at IS NOT NULL GROUP BY tenant_id""",
            now,
            OFTEN,
        )
        return {tenant: Counts(*counted) for tenant, *counted in rows}
