"""Every statement on dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.dead_letter.letter import DeadLetter, Selection, State
from contracts.kit.http import Newest

_SELECTED = """(($1::uuid IS NULL OR tenant_id = $1) AND (NOT $2 OR tenant_id IS NULL)
   AND ($3::text IS NULL OR topic = $3) AND ($4::text IS NULL OR type = $4) AND ($5::text IS NULL OR reason = $5)
   AND ($6::timestamptz IS NULL OR put_aside_at >= $6) AND ($7::timestamptz IS NULL OR put_aside_at < $7)
   AND ($8::text IS NULL OR state = $8) AND ($9::uuid[] IS NULL OR id = ANY ($9)))"""


def _arguments(chosen: Selection) -> tuple[Any, ...]:
    """Those of `_SELECTED`."""
    f = chosen.filter
    nobodys = f.tenant == "none"
    tenant = None if nobodys else f.tenant
    ids = None if chosen.ids is None else list(chosen.ids)
    return (tenant, nobodys, f.topic, f.type, f.reason, f.since, f.until, chosen.state, ids)


_PLACE = 'id, tenant_id AS tenant, topic, partition, "offset", timestamp_ms'
_ABOUT = "size, complete, source, message_id, type, reason, detail, replays, replay_of"
_FATE = "put_aside_at, state, action_id, settled_at, erased_at"
_ALL = f"{_PLACE}, key, value, header_names, header_values, {_ABOUT}, {_FATE}"
_SUMMARY = f"{_PLACE}, '{{}}'::bytea[] AS header_names, '{{}}'::bytea[] AS header_values, {_ABOUT}, {_FATE}"


def _letter(row: asyncpg.Record) -> DeadLetter:
    values = dict(row)
    names, raws = values.pop("header_names"), values.pop("header_values")
    return DeadLetter(**values, headers=tuple(zip(names, raws, strict=True)))


async def open_of_keys(tx: Connection, tenant: UUID, keys: Sequence[str], since: datetime) -> dict[str, int]:
    """How many of a tenant's messages of a key were put aside since then and are not settled, by key."""
    rows = await tx.fetch(
        """SELECT key, count(*) AS number FROM dead_letters
           WHERE tenant_id = $1 AND put_aside_at >= $2 AND key = ANY ($3) AND state IN ('open', 'replaying')
           GROUP BY key""",
        tenant,
        since,
        [key.encode() for key in keys],
    )
    return {row["key"].decode(): row["number"] for row in rows}


async def add(tx: Connection, letter: DeadLetter) -> None:
    """The same place, with as many replays, is the same dead letter."""
    await tx.execute(
        """INSERT INTO dead_letters (id, tenant_id, topic, partition, "offset", timestamp_ms, key, value, header_names,
               header_values, size, complete, source, message_id, type, reason, detail, replays, replay_of,
               put_aside_at, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
           ON CONFLICT DO NOTHING""",
        letter.id,
        letter.tenant,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.timestamp_ms,
        letter.key,
        letter.value,
        [name for name, _ in letter.headers],
        [raw for _, raw in letter.headers],
        letter.size,
        letter.complete,
        letter.source,
        letter.message_id,
        letter.type,
        letter.reason,
        letter.detail,
        letter.replays,
        letter.replay_of,
        letter.put_aside_at,
        letter.state,
    )


async def find(tx: Connection, chosen: Selection, after: Newest | None, limit: int) -> list[DeadLetter]:
    """The newest first, without their bytes."""
    rows = await tx.fetch(
        f"""SELECT {_SUMMARY} FROM dead_letters
            WHERE {_SELECTED} AND ($10::timestamptz IS NULL OR (put_aside_at, id) < ($10, $11))
            ORDER BY put_aside_at DESC, id DESC LIMIT $12""",  # noqa: S608 - constants
        *_arguments(chosen),
        after and after.at,
        after and after.id,
        limit,
    )
    return [_letter(row) for row in rows]


async def get(tx: Connection, id: UUID) -> DeadLetter | None:
    """One with its bytes, unless they are erased."""
    row = await tx.fetchrow(f"SELECT {_ALL} FROM dead_letters WHERE id = $1", id)  # noqa: S608 - constants
    return _letter(row) if row else None


async def next_of(tx: Connection, action: UUID) -> DeadLetter | None:
    """The next one that a replay is about, in the order of the topic, with its bytes."""
    row = await tx.fetchrow(
        f"""SELECT {_ALL} FROM dead_letters WHERE action_id = $1 AND state = 'replaying'
            ORDER BY topic, partition, "offset" LIMIT 1""",  # noqa: S608 - constants
        action,
    )
    return _letter(row) if row else None


async def discard(tx: Connection, chosen: Selection, action: UUID, now: datetime) -> list[UUID]:
    """The open ones of those chosen, which are not open any more."""
    rows = await tx.fetch(
        f"""UPDATE dead_letters SET state = 'discarded', action_id = $10, settled_at = $11
            WHERE {_SELECTED} AND state = 'open' RETURNING id""",  # noqa: S608 - constants
        *_arguments(chosen),
        action,
        now,
    )
    return [row["id"] for row in rows]


async def mark(tx: Connection, chosen: Selection, action: UUID) -> list[UUID]:
    """The open ones of those chosen whose bytes are here; they are to be replayed from now on."""
    rows = await tx.fetch(
        f"""UPDATE dead_letters SET state = 'replaying', action_id = $10
            WHERE {_SELECTED} AND state = 'open' AND complete RETURNING id""",  # noqa: S608 - constants
        *_arguments(chosen),
        action,
    )
    return [row["id"] for row in rows]


async def states(tx: Connection, action: UUID) -> dict[State, int]:
    """How many dead letters of an action are in which state."""
    rows = await tx.fetch("SELECT state, count(*) FROM dead_letters WHERE action_id = $1 GROUP BY state", action)
    return {row["state"]: row["count"] for row in rows}


async def settle(tx: Connection, id: UUID, state: State, now: datetime) -> bool:
    """Ends a replay in the transaction of its effect; false when another has ended it: change nothing then."""
    settled = await tx.fetchval(
        """UPDATE dead_letters SET state = $2, settled_at = $3 WHERE id = $1 AND state = 'replaying' RETURNING true""",
        id,
        state,
        now,
    )
    return bool(settled)


async def die_again(tx: Connection, letter: DeadLetter, reason: str, detail: str, now: datetime) -> None:
    """Ends a replay that did not help: a new dead letter takes the place of the old one."""
    if await settle(tx, letter.id, "dead_again", now):
        await add(tx, letter.again(reason, detail, now))


async def erase(tx: Connection, settled_before: datetime) -> None:
    """Takes the bytes from dead letters that were settled long ago; that they were, and why, stays."""
    await tx.execute(
        """UPDATE dead_letters SET key = NULL, value = NULL, header_names = '{}', header_values = '{}',
               complete = false, erased_at = now()
           WHERE erased_at IS NULL AND settled_at < $1""",
        settled_before,
    )
