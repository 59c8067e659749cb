"""Locks of items. Whoever writes one has locked its item."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.locks import Lock


async def of_item(tx: Connection, tenant: UUID, item: UUID, now: datetime) -> list[Lock]:
    """Those that hold it and those that wait, in the order in which they came; without those whose time is over."""
    rows = await tx.fetch(
        """SELECT * FROM item_locks WHERE tenant_id = $1 AND item_id = $2 AND (until IS NULL OR until > $3)
           ORDER BY asked_at, id""",
        tenant,
        item,
        now,
    )
    return [Lock.model_validate(dict(row)) for row in rows]


async def holders(tx: Connection, tenant: UUID, items: Sequence[UUID], now: datetime) -> dict[UUID, Lock]:
    """The oldest that holds each of the items that one holds."""
    rows = await tx.fetch(
        """SELECT DISTINCT ON (item_id) * FROM item_locks
           WHERE tenant_id = $1 AND item_id = ANY ($2) AND since IS NOT NULL AND until > $3
           ORDER BY item_id, asked_at, id""",
        tenant,
        items,
        now,
    )
    return {row["item_id"]: Lock.model_validate(dict(row)) for row in rows}


async def add(tx: Connection, tenant: UUID, lock: Lock, asked_at: datetime) -> None:
    await insert(tx, "item_locks", {"tenant_id": tenant, "asked_at": asked_at, **dict(lock)})


async def grant(tx: Connection, tenant: UUID, lock: Lock) -> None:
    """It holds the item from now on."""
    await tx.execute(
        "UPDATE item_locks SET since = $3, until = $4 WHERE tenant_id = $1 AND id = $2",
        tenant,
        lock.id,
        lock.since,
        lock.until,
    )


async def delete(tx: Connection, tenant: UUID, id: UUID) -> bool:
    """Whether there was one."""
    return await tx.execute("DELETE FROM item_locks WHERE tenant_id = $1 AND id = $2", tenant, id) == "DELETE 1"


async def delete_over(tx: Connection, tenant: UUID, item: UUID, now: datetime) -> None:
    """Those of an item whose time is over."""
    await tx.execute("DELETE FROM item_locks WHERE tenant_id = $1 AND item_id = $2 AND until <= $3", tenant, item, now)


async def items_with_over(tx: Connection, now: datetime, limit: int) -> Iterable[tuple[UUID, UUID]]:
    """Items (tenant, id) of any tenants with locks whose time is over, as the delivery role."""
    rows = await tx.fetch("SELECT DISTINCT tenant_id, item_id FROM item_locks WHERE until <= $1 LIMIT $2", now, limit)
    return [(row["tenant_id"], row["item_id"]) for row in rows]
