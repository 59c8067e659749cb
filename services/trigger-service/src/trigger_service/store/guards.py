"""What keeps repeats and floods out: hashes of what was seen, and counts of posts."""

from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection


async def first_seen_by(tx: Connection, key: bytes, arrival: UUID, now: datetime, since: datetime | None) -> UUID:
    """The arrival that `key` belongs to: `arrival`, unless another had it (after `since`, if that is given).

    Of two at once, the second waits for the first to commit.
    """
    mine = await tx.fetchval(
        """INSERT INTO seen (key, arrival_id, at) VALUES ($1, $2, $3)
           ON CONFLICT (key) DO UPDATE SET arrival_id = excluded.arrival_id, at = excluded.at WHERE seen.at < $4
           RETURNING arrival_id""",
        key,
        arrival,
        now,
        since,
    )
    first: UUID = mine or await tx.fetchval("SELECT arrival_id FROM seen WHERE key = $1", key)
    return first


async def count_post(tx: Connection, key: bytes, minute: datetime) -> int:
    """Counts one more post of this minute; how many there were with it."""
    posts: int = await tx.fetchval(
        """INSERT INTO rates (key, minute, posts) VALUES ($1, $2, 1)
           ON CONFLICT (key, minute) DO UPDATE SET posts = rates.posts + 1 RETURNING posts""",
        key,
        minute,
    )
    return posts


async def forget(tx: Connection, seen_before: datetime, posts_before: datetime) -> None:
    """As the delivery role: drops what is too old to matter."""
    await tx.execute("DELETE FROM seen WHERE at < $1", seen_before)
    await tx.execute("DELETE FROM rates WHERE minute < $1", posts_before)
