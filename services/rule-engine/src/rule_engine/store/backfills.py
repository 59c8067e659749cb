"""Backfills: a stage's rules planned for the items that are in it already, and how far each has got."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert, update


@dataclass(frozen=True, slots=True)
class Backfill:
    """One backfill. `items` were in the stage when it was requested; `last_item` is the last one looked at so far."""

    tenant_id: UUID
    id: UUID
    rule_set: str
    version: int
    pipeline: str
    stage: str
    requested_by: str
    requested_at: datetime
    items: int
    last_item: UUID | None = None
    planned: int = 0
    passed_over: int = 0
    done_at: datetime | None = None
    given_up: str | None = None


class Backfills:
    """Statements on `backfills`."""

    async def add(self, tx: Connection, one: Backfill) -> None:
        await insert(tx, "backfills", asdict(one))

    async def get(self, tx: Connection, tenant: UUID, id: UUID, *, lock: bool = False) -> Backfill | None:
        statement = "SELECT * FROM backfills WHERE tenant_id = $1 AND id = $2"
        row = await tx.fetchrow(statement + (" FOR UPDATE" if lock else ""), tenant, id)
        return _backfill(row) if row else None

    async def save(self, tx: Connection, one: Backfill) -> None:
        """Writes how far it has got."""
        await update(tx, "backfills", asdict(one), key=("tenant_id", "id"))


def _backfill(row: asyncpg.Record) -> Backfill:
    return Backfill(**{name: row[name] for name in Backfill.__slots__})
