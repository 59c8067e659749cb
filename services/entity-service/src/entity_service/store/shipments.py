"""Shipments."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.shipments import Shipment


async def find(tx: Connection, tenant: UUID, id: UUID) -> Shipment | None:
    """The shipment; it changes only while its item is locked."""
    row = await tx.fetchrow("SELECT * FROM shipments WHERE tenant_id = $1 AND id = $2", tenant, id)
    return Shipment.model_validate(dict(row)) if row else None


async def last(tx: Connection, tenant: UUID, item: UUID) -> Shipment | None:
    row = await tx.fetchrow(
        "SELECT * FROM shipments WHERE tenant_id = $1 AND item_id = $2 ORDER BY id DESC LIMIT 1", tenant, item
    )
    return Shipment.model_validate(dict(row)) if row else None


async def of_item(tx: Connection, tenant: UUID, item: UUID, after: UUID | None, limit: int) -> list[Shipment]:
    """Oldest first."""
    rows = await tx.fetch(
        """SELECT * FROM shipments WHERE tenant_id = $1 AND item_id = $2 AND ($3::uuid IS NULL OR id > $3)
           ORDER BY id LIMIT $4""",
        tenant,
        item,
        after,
        limit,
    )
    return [Shipment.model_validate(dict(row)) for row in rows]


async def save(tx: Connection, shipment: Shipment) -> None:
    await put(tx, "shipments", dict(shipment), key=("tenant_id", "id"))
