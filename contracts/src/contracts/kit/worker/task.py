"""One piece of leased work, how its kind is done, and how it is recorded, ended and cancelled."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.kit import telemetry
from contracts.kit.database import Connection


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of leased work. `id` is that of the thing to work on; `attempt` counts from 1.

    `lost` counts the leases in a row that ended while it was worked on: its process had ended, maybe because of it.
    """

    id: UUID
    tenant: UUID
    kind: str
    attempt: int
    lease: UUID
    created_at: datetime
    traceparent: str | None
    lost: int = 0

    async def complete(self, tx: Connection) -> bool:
        """Ends the work in the transaction that stores its outcome; false when the lease was lost: store nothing."""
        done = await tx.fetchval(
            "DELETE FROM work WHERE tenant_id = $1 AND id = $2 AND lease = $3 RETURNING true",
            self.tenant,
            self.id,
            self.lease,
        )
        return bool(done)

    async def hand_back(self, tx: Connection, run_at: datetime) -> bool:
        """Ends a turn of long work in the transaction that stores how far it has got; false when the lease was lost.

        The rest is due at `run_at`, as a first attempt, when it is the tenant's turn again.
        """
        handed_back = await tx.fetchval(
            """UPDATE work SET lease = NULL, leased_until = NULL, run_at = $3, attempts = 0, lost = 0,
               last_error = NULL
               WHERE tenant_id = $4 AND id = $1 AND lease = $2 RETURNING true""",
            self.id,
            self.lease,
            run_at,
            self.tenant,
        )
        return bool(handed_back)


@dataclass(frozen=True, slots=True)
class Job:
    """How one kind of work is done, and what to do when it is given up.

    `run` completes the task itself. It raises `RetryLaterError` to be called again, at most `attempts` times in all.
    An outage is waited out; any other error would come again, so the work is given up at once. `give_up` stores the
    failure and completes the task; its reason is for people.
    """

    run: Callable[[Task], Awaitable[None]]
    give_up: Callable[[Task, str], Awaitable[None]]
    attempts: int = 8
    backoff_s: float = 1.0


async def enqueue(tx: Connection, *, id: UUID, tenant: UUID, kind: str, run_at: datetime) -> None:
    """Records work in the business transaction; the same id twice is one piece of work."""
    await tx.execute(
        """INSERT INTO work (id, tenant_id, kind, run_at, traceparent) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING""",
        id,
        tenant,
        kind,
        run_at,
        telemetry.traceparent(),
    )


async def cancel(tx: Connection, tenant: UUID, id: UUID) -> bool:
    """Deletes work that no worker has begun; false when it is done or leased."""
    cancelled = await tx.fetchval(
        "DELETE FROM work WHERE tenant_id = $1 AND id = $2 AND lease IS NULL RETURNING true", tenant, id
    )
    return bool(cancelled)
