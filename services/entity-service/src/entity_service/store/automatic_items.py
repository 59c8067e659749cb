"""Which items rules and triggers made, by the root of their causes. Only ever added to, so that nobody waits here."""

from datetime import timedelta
from uuid import UUID

from contracts.kit.database import Connection


async def add(tx: Connection, tenant: UUID, root: str, item: UUID, *, by_rule: bool) -> None:
    await tx.execute(
        "INSERT INTO automatic_items (tenant_id, root, item_id, by_rule) VALUES ($1, $2, $3, $4)",
        tenant,
        root,
        item,
        by_rule,
    )


async def of_root(tx: Connection, tenant: UUID, root: str) -> int:
    """How many items go back to this cause."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM automatic_items WHERE tenant_id = $1 AND root = $2", tenant, root
    )
    return count


async def by_rules_within_an_hour(tx: Connection, tenant: UUID) -> int:
    count: int = await tx.fetchval(
        """SELECT count(*) FROM automatic_items
           WHERE tenant_id = $1 AND by_rule AND made_at > now() - interval '1 hour'""",
        tenant,
    )
    return count


async def forget(tx: Connection, age: timedelta, limit: int) -> int:
    """Deletes what is older, as the delivery role; says how many rows."""
    done = await tx.execute(
        """DELETE FROM automatic_items WHERE ctid = ANY (ARRAY(
               SELECT ctid FROM automatic_items WHERE made_at < now() - $1::interval LIMIT $2))""",
        age,
        limit,
    )
    return int(done.split()[-1])
