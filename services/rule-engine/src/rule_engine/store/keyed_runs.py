"""Runs of workflows with a concurrency key that have not ended, in the order in which they came.

The first one of a key goes on, those behind it are queued. Whoever changes the line of a key holds its lock until the
transaction ends, and takes it after the rows of runs that it locks.
"""

from dataclasses import dataclass
from uuid import UUID

from contracts.kit.database import Connection


@dataclass(frozen=True, slots=True)
class KeyOfRuns:
    """A key of the runs of one workflow."""

    tenant: UUID
    workflow: str
    key: str


_BEFORE = """SELECT other.run_id FROM keyed_runs own
    JOIN keyed_runs other USING (tenant_id, workflow, key)
    WHERE own.tenant_id = $1 AND own.run_id = $2 AND other.number < own.number ORDER BY other.number"""


class KeyedRuns:
    """Statements on `keyed_runs`."""

    async def lock(self, tx: Connection, key: KeyOfRuns) -> list[UUID]:
        """Locks the line of a key, and returns it, the run that goes on first."""
        whole = f"{key.tenant}/{key.workflow}/{key.key}"
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", whole)
        rows = await tx.fetch(
            """SELECT run_id FROM keyed_runs WHERE tenant_id = $1 AND workflow = $2 AND key = $3 ORDER BY number""",
            key.tenant,
            key.workflow,
            key.key,
        )
        return [row["run_id"] for row in rows]

    async def join(self, tx: Connection, key: KeyOfRuns, run_id: UUID) -> None:
        """Puts a run last into a line that the caller has locked."""
        await tx.execute(
            "INSERT INTO keyed_runs (tenant_id, workflow, key, run_id) VALUES ($1, $2, $3, $4)",
            key.tenant,
            key.workflow,
            key.key,
            run_id,
        )

    async def leave(self, tx: Connection, tenant: UUID, run_id: UUID) -> None:
        """Takes a run out of a line that the caller has locked."""
        await tx.execute("DELETE FROM keyed_runs WHERE tenant_id = $1 AND run_id = $2", tenant, run_id)

    async def before(self, tx: Connection, tenant: UUID, run_id: UUID) -> list[UUID]:
        """The runs that a queued run waits for, the one that goes on first; locks nothing."""
        return [row["run_id"] for row in await tx.fetch(_BEFORE, tenant, run_id)]
