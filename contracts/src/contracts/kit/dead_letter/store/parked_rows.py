"""Every statement of operators on outbox rows that the broker refused for ever."""

from collections.abc import Sequence

import asyncpg

from contracts.kit.database import Connection


async def find(tx: Connection, after: int, limit: int) -> list[asyncpg.Record]:
    """The oldest first, without their bytes; `behind` is how many rows of the key wait for it."""
    return await tx.fetch(
        """SELECT id, topic, key, octet_length(value) AS size, parked_reason AS reason, created_at,
                  (SELECT count(*) FROM outbox b WHERE b.shard = o.shard AND b.lane = o.lane AND b.id > o.id
                     AND b.key = o.key) AS behind
           FROM outbox o WHERE parked_reason IS NOT NULL AND id > $1 ORDER BY id LIMIT $2""",
        after,
        limit,
    )


async def of_keys(tx: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Why the broker refuses the row that holds up the messages of a key, by key; others are absent."""
    rows = await tx.fetch(
        "SELECT key, parked_reason FROM outbox WHERE key = ANY ($1) AND parked_reason IS NOT NULL ORDER BY id DESC",
        keys,
    )
    return {row["key"]: row["parked_reason"] for row in rows}


async def release(tx: Connection, id: int) -> bool:
    """Lets the relay try a parked row again; false when there is none of that id."""
    released = await tx.fetchval(
        "UPDATE outbox SET parked_reason = NULL WHERE id = $1 AND parked_reason IS NOT NULL RETURNING true", id
    )
    return bool(released)
