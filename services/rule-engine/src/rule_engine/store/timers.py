"""Timers: when the engine looks at a run next, and which generation is scheduled in Temporal.

No payload in them, so they have no tenant policy: scheduler, sweep and reconciliation work over all tenants.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.shares import rows_by_tenant


@dataclass(frozen=True, slots=True)
class Timer:
    """`wake_at` null: the run is finished, only its execution is left to be ended."""

    run_id: UUID
    tenant: UUID
    generation: int
    scheduled_generation: int
    wake_at: datetime | None
    has_execution: bool
    failures: int


OFTEN = 3
"""So many postponements in a row are not caused by a short outage."""


class Counts(NamedTuple):
    """A tenant's unfinished runs; those overdue by more than a minute, those postponed `OFTEN` times in a row, and
    those whose newest generation is not scheduled in Temporal yet.
    """

    waiting: int
    overdue: int
    put_off: int
    unscheduled: int


_COLUMNS = "run_id, tenant_id, generation, scheduled_generation, wake_at, has_execution, failures"
_ROW = ", ".join(f"one.{name}" for name in _COLUMNS.split(", "))
_UNSCHEDULED = rows_by_tenant(
    "timers", _ROW, indexed="scheduled_generation < generation", where="true", order="wake_at NULLS FIRST"
)
_OVERDUE = rows_by_tenant("timers", _ROW, where="scheduled_generation = generation AND wake_at < $2", order="wake_at")
_PAST_DEADLINE = rows_by_tenant(
    "command_deadlines",
    "one.command_id",
    where="ask_again_at < $2",
    order="ask_again_at",
    lock="FOR UPDATE SKIP LOCKED",
)


class Timers:
    """`timers` and `command_deadlines`."""

    async def add(self, tx: Connection, timers: Iterable[tuple[UUID, UUID, datetime]]) -> None:
        """Timers of new runs: (run, tenant, wake_at)."""
        rows = list(timers)
        await tx.execute(
            """INSERT INTO timers (run_id, tenant_id, generation, scheduled_generation, wake_at)
               SELECT run_id, tenant_id, 1, 0, wake_at
               FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w (run_id, tenant_id, wake_at)
               ON CONFLICT DO NOTHING""",
            [run for run, _, _ in rows],
            [tenant for _, tenant, _ in rows],
            [wake_at for _, _, wake_at in rows],
        )

    async def park(self, tx: Connection, timers: Iterable[tuple[UUID, UUID, datetime]]) -> None:
        """Timers of new runs that are queued: nothing is scheduled for them until `start_at`. The moment is far off."""
        rows = list(timers)
        await tx.execute(
            """INSERT INTO timers (run_id, tenant_id, generation, scheduled_generation, wake_at)
               SELECT run_id, tenant_id, 1, 1, wake_at
               FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS w (run_id, tenant_id, wake_at)
               ON CONFLICT DO NOTHING""",
            *([one[column] for one in rows] for column in range(3)),
        )

    async def lock(self, tx: Connection, run_id: UUID) -> Timer | None:
        row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM timers WHERE run_id = $1 FOR UPDATE", run_id)  # noqa: S608
        return Timer(*row) if row else None

    async def get(self, tx: Connection, run_id: UUID) -> Timer | None:
        row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM timers WHERE run_id = $1", run_id)  # noqa: S608
        return Timer(*row) if row else None

    async def start_at(self, tx: Connection, run_id: UUID, tenant: UUID, wake_at: datetime, *, ran: bool) -> None:
        """Asks for an execution at a moment. `ran`: the one that there was has just run."""
        await tx.execute(
            """INSERT INTO timers AS w (run_id, tenant_id, generation, scheduled_generation, wake_at)
               VALUES ($1, $2, (SELECT last_generation + 1 FROM runs WHERE tenant_id = $2 AND id = $1), 0, $3)
               ON CONFLICT (run_id) DO UPDATE SET generation = w.generation + 1, wake_at = $3,
                   has_execution = w.has_execution AND NOT $4, failures = 0""",
            run_id,
            tenant,
            wake_at,
            ran,
        )

    async def await_result(self, tx: Connection, run_id: UUID, look_again_at: datetime, *, ran: bool) -> None:
        """Nothing to start: only a result can go on. An execution that did not run is replaced by a later one."""
        await tx.execute(
            """UPDATE timers SET generation = generation + 1, wake_at = $2, failures = 0,
                   has_execution = has_execution AND NOT $3,
                   scheduled_generation = CASE WHEN has_execution AND NOT $3 THEN scheduled_generation
                                               ELSE generation + 1 END
               WHERE run_id = $1""",
            run_id,
            look_again_at,
            ran,
        )

    async def finish(self, tx: Connection, run_id: UUID, tenant: UUID, *, ran: bool) -> None:
        """The run is finished; the scheduler ends an execution that is still open."""
        generation = await tx.fetchval(
            "DELETE FROM timers WHERE run_id = $1 AND (NOT has_execution OR $2) RETURNING generation", run_id, ran
        )
        if generation is None:
            generation = await tx.fetchval(
                "UPDATE timers SET generation = generation + 1, wake_at = NULL WHERE run_id = $1 RETURNING generation",
                run_id,
            )
        await tx.execute(
            "UPDATE runs SET last_generation = $3 WHERE tenant_id = $1 AND id = $2", tenant, run_id, generation or 0
        )

    async def defer(self, tx: Connection, timer: Timer, wake_at: datetime) -> bool:
        """The execution of this generation found a server away: another one, later."""
        return bool(
            await tx.fetchval(
                """UPDATE timers SET generation = generation + 1, wake_at = $3, has_execution = false,
                       failures = failures + 1
                   WHERE run_id = $1 AND generation = $2 RETURNING true""",
                timer.run_id,
                timer.generation,
                wake_at,
            )
        )

    # for scheduler, sweep and reconciliation, as the delivery role

    async def unscheduled(self, tx: Connection, limit: int) -> list[Timer]:
        """Generations that are not scheduled in Temporal yet; equally many of each tenant, at most `limit`."""
        rows = await tx.fetch(_UNSCHEDULED, limit)
        return [Timer(*row) for row in rows]

    async def scheduled(self, tx: Connection, timers: Sequence[Timer]) -> None:
        """Executions of these generations exist; does nothing where the row has moved on.

        Rows that another transaction holds are left out: waiting for many rows could take for ever.
        """
        await tx.execute(
            """UPDATE timers SET scheduled_generation = generation, has_execution = true WHERE run_id IN (
                   SELECT w.run_id FROM timers w JOIN unnest($1::uuid[], $2::int[]) AS k (run_id, generation)
                   ON w.run_id = k.run_id AND w.generation = k.generation
                   WHERE w.scheduled_generation < w.generation FOR UPDATE OF w SKIP LOCKED)""",
            [timer.run_id for timer in timers],
            [timer.generation for timer in timers],
        )

    async def delete(self, tx: Connection, timer: Timer) -> None:
        """A finished run has no execution any more."""
        await tx.execute(
            "DELETE FROM timers WHERE run_id = $1 AND generation = $2 AND wake_at IS NULL",
            timer.run_id,
            timer.generation,
        )

    async def overdue(self, tx: Connection, before: datetime, limit: int) -> list[Timer]:
        """Scheduled generations that should have run by now; equally many of each tenant, at most `limit`."""
        rows = await tx.fetch(_OVERDUE, limit, before)
        return [Timer(*row) for row in rows]

    async def with_execution(self, tx: Connection, after: UUID | None, limit: int) -> list[Timer]:
        """Scheduled generations with an execution, in pages by run id."""
        rows = await tx.fetch(
            f"""SELECT {_COLUMNS} FROM timers
                WHERE has_execution AND scheduled_generation = generation AND ($1::uuid IS NULL OR run_id > $1)
                ORDER BY run_id LIMIT $2""",  # noqa: S608
            after,
            limit,
        )
        return [Timer(*row) for row in rows]

    async def by_runs(self, tx: Connection, runs: Sequence[UUID]) -> dict[UUID, Timer]:
        rows = await tx.fetch(f"SELECT {_COLUMNS} FROM timers WHERE run_id = ANY ($1)", runs)  # noqa: S608
        return {row["run_id"]: Timer(*row) for row in rows}

    async def lost(self, tx: Connection, timer: Timer) -> bool:
        """The execution of this generation is gone: a new generation is to be started."""
        return bool(
            await tx.fetchval(
                """UPDATE timers SET generation = generation + 1, has_execution = false
                   WHERE run_id = $1 AND generation = $2 RETURNING true""",
                timer.run_id,
                timer.generation,
            )
        )

    async def deadlines(self, tx: Connection, now: datetime, next_at: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        """Takes commands (tenant, id) that have had no final result for too long, and sets their next deadline.

        Equally many of each tenant when there are more than `limit`.
        """
        rows = await tx.fetch(
            f"""UPDATE command_deadlines SET ask_again_at = $3 WHERE command_id IN ({_PAST_DEADLINE})
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
                   count(*) FILTER (WHERE failures >= $2), count(*) FILTER (WHERE scheduled_generation < generation)
               FROM timers WHERE wake_at IS NOT NULL GROUP BY tenant_id""",
            now,
            OFTEN,
        )
        return {tenant: Counts(*counted) for tenant, *counted in rows}
