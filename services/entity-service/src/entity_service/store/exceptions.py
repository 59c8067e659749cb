"""Phones and addresses that make no items any more."""

from collections.abc import Sequence
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.exceptions import ExceptedAddress


async def save(tx: Connection, tenant: UUID, one: ExceptedAddress) -> None:
    """Creates or replaces."""
    await put(tx, "exceptions", {"tenant_id": tenant, **dict(one)}, key=("tenant_id", "address"))


async def any_of(tx: Connection, tenant: UUID, addresses: Sequence[str]) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM exceptions WHERE tenant_id = $1 AND address = ANY ($2))", tenant, addresses
    )
    return found


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[ExceptedAddress]:
    """At most `limit` by address, those behind `after`."""
    rows = await tx.fetch(
        "SELECT * FROM exceptions WHERE tenant_id = $1 AND address > $2 ORDER BY address LIMIT $3",
        tenant,
        after,
        limit,
    )
    return [ExceptedAddress.model_validate(dict(row)) for row in rows]


async def delete(tx: Connection, tenant: UUID, address: str) -> bool:
    """Whether it was there."""
    done = await tx.execute("DELETE FROM exceptions WHERE tenant_id = $1 AND address = $2", tenant, address)
    return bool(done == "DELETE 1")
