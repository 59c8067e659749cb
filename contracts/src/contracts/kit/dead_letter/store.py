"""Every statement on dead letters, on what people ordered about them, and on outbox rows that are parked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.dead_letter.letter import NOBODY, DeadLetter, Order, Scope, Selection, State, Turn
from contracts.kit.http import Newest

_SELECTED = """(($1 OR tenant_id IS NOT DISTINCT FROM $2)
   AND ($3::text IS NULL OR topic = $3) AND ($4::text IS NULL OR type = $4) AND ($5::text IS NULL OR reason = $5)
   AND ($6::timestamptz IS NULL OR put_aside_at >= $6) AND ($7::timestamptz IS NULL OR put_aside_at < $7)
   AND ($8::text IS NULL OR state = $8) AND ($9::uuid[] IS NULL OR id = ANY ($9)))"""


def _arguments(chosen: Selection) -> tuple[Any, ...]:
    """Those of `_SELECTED`."""
    f = chosen.filter
    ids = None if chosen.ids is None else list(chosen.ids)
    return (
        chosen.scope.everybody,
        chosen.scope.tenant,
        f.topic,
        f.type,
        f.reason,
        f.since,
        f.until,
        chosen.state,
        ids,
    )


_PLACE = 'id, tenant_id AS tenant, topic, partition, "offset", timestamp_ms'
_ABOUT = "size, complete, source, message_id, type, reason, detail, replays, replay_of"
_FATE = "put_aside_at, state, order_id, settled_at, erased_at"
_ALL = f"{_PLACE}, key, value, header_names, header_values, {_ABOUT}, {_FATE}"
_SUMMARY = f"{_PLACE}, '{{}}'::bytea[] AS header_names, '{{}}'::bytea[] AS header_values, {_ABOUT}, {_FATE}"


def _letter(row: asyncpg.Record) -> DeadLetter:
    values = dict(row)
    names, raws = values.pop("header_names"), values.pop("header_values")
    return DeadLetter(**values, headers=tuple(zip(names, raws, strict=True)))


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


async def get(tx: Connection, scope: Scope, id: UUID) -> DeadLetter | None:
    """One with its bytes, unless they are erased."""
    row = await tx.fetchrow(
        f"SELECT {_ALL} FROM dead_letters WHERE {_SELECTED}",  # noqa: S608 - constants
        *_arguments(Selection(scope=scope, ids=[id])),
    )
    return _letter(row) if row else None


async def discard(tx: Connection, chosen: Selection, order: UUID, now: datetime) -> list[UUID]:
    """The open ones of those chosen, which are not open any more."""
    rows = await tx.fetch(
        f"""UPDATE dead_letters SET state = 'discarded', order_id = $10, settled_at = $11
            WHERE {_SELECTED} AND state = 'open' RETURNING id""",  # noqa: S608 - constants
        *_arguments(chosen),
        order,
        now,
    )
    return [row["id"] for row in rows]


async def mark(tx: Connection, chosen: Selection, order: UUID) -> list[UUID]:
    """The open ones of those chosen whose bytes are here; they are to be replayed from now on."""
    rows = await tx.fetch(
        f"""UPDATE dead_letters SET state = 'replaying', order_id = $10
            WHERE {_SELECTED} AND state = 'open' AND complete RETURNING id""",  # noqa: S608 - constants
        *_arguments(chosen),
        order,
    )
    return [row["id"] for row in rows]


async def add_order(tx: Connection, order: Order) -> None:
    """One that is not finished begins at once."""
    await tx.execute(
        """INSERT INTO dead_letter_orders (id, tenant_id, action, ordered_by, ordered_at, reason, selection, letters,
               per_second, next_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        order.id,
        order.tenant,
        order.action,
        order.ordered_by,
        order.ordered_at,
        order.reason,
        order.selection,
        order.letters,
        order.per_second,
        None if order.finished_at else order.ordered_at,
        order.finished_at,
    )


_ORDER = """id, tenant_id AS tenant, action, ordered_by, ordered_at, reason, selection, letters, per_second,
   finished_at"""


async def orders(tx: Connection, scope: Scope, after: Newest | None, limit: int) -> list[Order]:
    """The newest first."""
    rows = await tx.fetch(
        f"""SELECT {_ORDER} FROM dead_letter_orders
            WHERE ($1 OR tenant_id IS NOT DISTINCT FROM $2)
              AND ($3::timestamptz IS NULL OR (ordered_at, id) < ($3, $4))
            ORDER BY ordered_at DESC, id DESC LIMIT $5""",  # noqa: S608 - constants
        scope.everybody,
        scope.tenant,
        after and after.at,
        after and after.id,
        limit,
    )
    return [Order(**row) for row in rows]


async def order_of(tx: Connection, scope: Scope, id: UUID) -> Order | None:
    row = await tx.fetchrow(
        f"SELECT {_ORDER} FROM dead_letter_orders WHERE id = $3 AND ($1 OR tenant_id IS NOT DISTINCT FROM $2)",  # noqa: S608
        scope.everybody,
        scope.tenant,
        id,
    )
    return Order(**row) if row else None


async def states(tx: Connection, order: UUID) -> dict[State, int]:
    """How many dead letters of an order are in which state."""
    rows = await tx.fetch("SELECT state, count(*) FROM dead_letters WHERE order_id = $1 GROUP BY state", order)
    return {row["state"]: row["count"] for row in rows}


async def next_turn(tx: Connection, now: datetime, longest_s: float, served: UUID = NOBODY) -> Turn:
    """Gives an order that is due its next letter, and puts its next turn off, before the letter is replayed.

    So the rate holds for any number of replicas and across kills; a letter that was not settled is given out again.
    Tenants take turns: next is the one behind `served`, which had the last turn.
    """
    row = await tx.fetchrow(
        """SELECT id, tenant_id, per_second FROM dead_letter_orders WHERE next_at <= $1
           ORDER BY coalesce(tenant_id, $3) > $2 DESC, coalesce(tenant_id, $3), next_at LIMIT 1
           FOR UPDATE SKIP LOCKED""",
        now,
        served,
        NOBODY,
    )
    if row is None:
        next_at = await tx.fetchval("SELECT min(next_at) FROM dead_letter_orders WHERE next_at > $1", now)
        return Turn(min(longest_s, (next_at - now).total_seconds()) if next_at else longest_s, served=served)
    letter = await _next_letter(tx, row["id"])
    whose = row["tenant_id"] or NOBODY
    if letter is None:
        await tx.execute("UPDATE dead_letter_orders SET next_at = NULL, finished_at = $2 WHERE id = $1", row["id"], now)
        return Turn(served=whose)
    later = now + timedelta(seconds=1 / row["per_second"])
    await tx.execute("UPDATE dead_letter_orders SET next_at = $2 WHERE id = $1", row["id"], later)
    return Turn(letter=letter, served=whose)


async def _next_letter(tx: Connection, order: UUID) -> DeadLetter | None:
    """In the order of the topic."""
    row = await tx.fetchrow(
        f"""SELECT {_ALL} FROM dead_letters WHERE order_id = $1 AND state = 'replaying'
            ORDER BY topic, partition, "offset" LIMIT 1""",  # noqa: S608 - constants
        order,
    )
    return _letter(row) if row else None


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


async def parked(tx: Connection, after: int, limit: int) -> list[asyncpg.Record]:
    """Outbox rows that the broker refused for ever, without their bytes; `behind`: rows of the key that wait for it."""
    return await tx.fetch(
        """SELECT id, topic, key, octet_length(value) AS size, parked_reason AS reason, created_at,
                  (SELECT count(*) FROM outbox b WHERE b.shard = o.shard AND b.lane = o.lane AND b.id > o.id
                     AND b.key = o.key) AS behind
           FROM outbox o WHERE parked_reason IS NOT NULL AND id > $1 ORDER BY id LIMIT $2""",
        after,
        limit,
    )


async def release(tx: Connection, id: int) -> bool:
    """Lets the relay try a parked row again; false when there is none of that id."""
    released = await tx.fetchval(
        "UPDATE outbox SET parked_reason = NULL WHERE id = $1 AND parked_reason IS NOT NULL RETURNING true", id
    )
    return bool(released)


async def erase(tx: Connection, settled_before: datetime) -> None:
    """Takes the bytes from dead letters that were settled long ago; that they were, and why, stays."""
    await tx.execute(
        """UPDATE dead_letters SET key = NULL, value = NULL, header_names = '{}', header_values = '{}',
               complete = false, erased_at = now()
           WHERE erased_at IS NULL AND settled_at < $1""",
        settled_before,
    )
