"""What repeats and floods are recognised by: hashes of earlier arrivals, and counts of posts."""

from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from trigger_service.domain.repeats import Claim, digest


async def claim(tx: Connection, mine: Claim) -> Claim:
    """The claim that `mine.key` has, locked: `mine` if it had none.

    Of two at once, the second waits for the first to commit.
    """
    row = await tx.fetchrow(
        """INSERT INTO seen (key, content, arrival_id, at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING key, content, arrival_id, at""",
        mine.key,
        mine.content,
        mine.arrival_id,
        mine.at,
    )
    assert row is not None  # noqa: S101 - inserted or found
    return Claim(**row)


async def find(tx: Connection, key: bytes) -> Claim | None:
    """The claim that a key has, if any."""
    row = await tx.fetchrow("SELECT key, content, arrival_id, at FROM seen WHERE key = $1", key)
    return Claim(**row) if row else None


async def lock(tx: Connection, key: bytes) -> None:
    """Waits for a transaction that is claiming this key, and keeps it from others until this one ends."""
    await tx.execute("SELECT FROM seen WHERE key = $1 FOR UPDATE", key)


async def replace(tx: Connection, mine: Claim) -> None:
    """Takes over a locked key."""
    await tx.execute(
        "UPDATE seen SET content = $2, arrival_id = $3, at = $4 WHERE key = $1",
        mine.key,
        mine.content,
        mine.arrival_id,
        mine.at,
    )


async def count_post(tx: Connection, key: bytes, since: datetime) -> int:
    """Counts one more post of the window that began then; how many there were with it."""
    posts: int = await tx.fetchval(
        """INSERT INTO rates (key, since, posts) VALUES ($1, $2, 1)
           ON CONFLICT (key, since) DO UPDATE SET posts = rates.posts + 1 RETURNING posts""",
        key,
        since,
    )
    return posts


def key_of_tenant(tenant: UUID) -> bytes:
    """Under which all submissions of a tenant are counted by the hour."""
    return digest("tenant", tenant)


async def submissions_this_hour(tx: Connection, tenant: UUID) -> int:
    posts: int | None = await tx.fetchval(
        "SELECT posts FROM rates WHERE key = $1 AND since = date_trunc('hour', now(), 'UTC')", key_of_tenant(tenant)
    )
    return posts or 0


async def forget(tx: Connection, seen_before: datetime, posts_before: datetime) -> None:
    """As the delivery role: drops what is too old to matter."""
    await tx.execute("DELETE FROM seen WHERE at < $1", seen_before)
    await tx.execute("DELETE FROM rates WHERE since < $1", posts_before)
