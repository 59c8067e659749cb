"""What keeps repeats and floods out: hashes of what was seen, and counts of posts."""

from datetime import datetime

from contracts.kit.database import Connection
from trigger_service.domain.repeats import Claim


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


async def replace(tx: Connection, mine: Claim) -> None:
    """Takes over a locked key."""
    await tx.execute(
        "UPDATE seen SET content = $2, arrival_id = $3, at = $4 WHERE key = $1",
        mine.key,
        mine.content,
        mine.arrival_id,
        mine.at,
    )


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
