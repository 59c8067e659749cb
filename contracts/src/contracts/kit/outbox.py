"""The outbox: messages become rows of the business transaction; a relay publishes the rows in order and deletes them.

Order: a writer locks its aggregate's row before it inserts, so ids rise in commit order per key. The relay publishes
everything it read for one partition as one record batch, which the broker takes whole or not at all, and reads on only
when the batch is acknowledged: so the first publications of a key follow its commits.

Fairness: when more rows wait than one batch takes, every tenant gets its share of each batch.
"""

import asyncio
import time
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import chain, starmap
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CorruptRecordException,
    InvalidMessageError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from aiokafka.partitioner import DefaultPartitioner

from contracts.envelope import MAX_BODY, Body, Envelope, Record
from contracts.kit import telemetry
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database, OwnConnection
from contracts.kit.errors import PayloadTooLargeError
from contracts.kit.kafka import ACKNOWLEDGED_S
from contracts.topics import Topic, item_of

logger = structlog.get_logger(__name__)

SHARDS = 8
"""Fixed: how many parts the outbox has; each part is relayed by one process at a time."""
LOCK_CLASS = 7305
CHANNEL = "outbox"
BATCH = 500
POLL_S = 0.5
NOTIFY_EVERY_S = 0.01
FIRST_PAUSE_S = 0.2

REFUSED_FOR_EVER = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidMessageError, CorruptRecordException)


class Outbox:
    """Writes messages into the business transaction."""

    async def put(self, tx: Connection, topic: Topic, *envelopes: Envelope[Body]) -> None:
        """Records the messages for publication; raises `PayloadTooLargeError` for one that no broker would take."""
        await self._insert(tx, [_row(topic.name, Record.of(telemetry.stamped(envelope))) for envelope in envelopes])

    async def put_again(self, tx: Connection, topic: str, record: Record) -> None:
        """Records a message that was published before for publication once more, byte for byte."""
        await self._insert(tx, [_row(topic, record)])

    async def _insert(self, tx: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:  # asyncpg asks the server even for none
            await tx.executemany(
                "INSERT INTO outbox (shard, lane, topic, key, value, headers) VALUES ($1, $2, $3, $4, $5, $6)", rows
            )


def _row(topic: str, record: Record) -> tuple[int, int, str, str, bytes, list[tuple[str, str]]]:
    if len(record.value) > MAX_BODY:
        raise PayloadTooLargeError(f"a message for {topic} has {len(record.value)} bytes; the limit is {MAX_BODY}")
    headers = [(name, raw.decode()) for name, raw in record.headers]
    return zlib.crc32(record.key) % SHARDS, lane_of(record.key), topic, record.key.decode(), record.value, headers


def lane_of(key: bytes) -> int:
    """The lane of a message: a hash of its tenant, with which its key begins, of as many bits as the column holds.

    Two tenants with the same hash share their turns; messages of one key have one lane.
    """
    return zlib.crc32(key.partition(b":")[0]) >> 1


type _Place = tuple[str, int]
"""A topic and a partition of it."""


class _Row(NamedTuple):
    shard: int
    lane: int
    id: int
    topic: str
    key: str
    value: bytes
    headers: list[tuple[str, str]]


class _Sent(NamedTuple):
    """Rows of one partition, and those of them that the broker took, or why it took none."""

    place: _Place
    batch: list[_Row]
    outcome: list[_Row] | BaseException


_partition_of = DefaultPartitioner()


class Relay:
    """Publishes what the outbox holds, for the shards whose locks this process has.

    Woken in-process after a commit, by a NOTIFY from a process that does not hold the shard, and by a poll.
    """

    def __init__(self, database: Database, producer: Callable[[], AIOKafkaProducer]) -> None:
        self._database = database
        self._make_producer = producer
        self._woken = asyncio.Event()
        self._committed_here = False
        self._held: list[int] = []
        self._backlog = False
        self._singly: set[_Place] = set()
        self._pause_s = FIRST_PAUSE_S

    def wake(self) -> None:
        """Makes the relay look for rows soon; cheap."""
        self._committed_here = True
        self._woken.set()

    async def run(self) -> None:
        """Relays until cancelled; waits with back-off while a server is away.

        After a refused record it takes a new producer: the broker expects the sequence number of the refused one.
        """
        while True:
            try:
                await self._relay()
            except REFUSED_FOR_EVER:
                continue
            except (*INFRASTRUCTURE_ERRORS, KafkaError) as error:
                logger.warning("relay waits for a server", error=type(error).__name__, pause_s=self._pause_s)
                await asyncio.sleep(self._pause_s)
                self._pause_s = min(self._pause_s * 2, 5)

    async def _relay(self) -> None:
        """Relays with one connection, which holds the locks, and one producer; closes both when either fails."""
        self._held = []
        async with AsyncExitStack() as life:
            connection = await self._database.delivery_connection()
            life.push_async_callback(_close, connection)
            producer = self._make_producer()
            life.push_async_callback(_stop, producer)
            await producer.start()
            await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
            while not connection.is_closed():
                await self._take_shards(connection)
                await self._drain(connection, producer)
                await self._rest(connection)

    async def _take_shards(self, connection: OwnConnection) -> None:
        missing = sorted(set(range(SHARDS)) - set(self._held))
        if missing:
            rows = await connection.fetch(
                "SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)",
                LOCK_CLASS,
                missing,
            )
            self._held += [row["shard"] for row in rows]

    async def _drain(self, connection: OwnConnection, producer: AIOKafkaProducer) -> None:
        self._woken.clear()
        while self._held and (rows := await self._read(connection)):
            await self._publish(connection, producer, rows)
            self._pause_s = FIRST_PAUSE_S

    async def _read(self, connection: OwnConnection) -> list[_Row]:
        """The next batch: in the order of ids while one batch takes all rows, else equally many of each tenant."""
        if not self._backlog:
            rows = await connection.fetch(_ALL_ROWS, self._held, BATCH)
            self._backlog = len(rows) == BATCH
        if self._backlog:
            rows = await connection.fetch(ROWS_BY_TENANT, self._held, BATCH)
            self._backlog = len(rows) >= BATCH // 2
        return [_Row(*row) for row in rows]

    async def _publish(self, connection: OwnConnection, producer: AIOKafkaProducer, rows: Sequence[_Row]) -> None:
        """Publishes, deletes the rows that the broker has acknowledged, then raises the first error."""
        began_ns = time.time_ns()
        topics: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            topics[row.topic].append(row)
        answers = await asyncio.gather(
            *(self._publish_topic(producer, topic, rows) for topic, rows in topics.items()), return_exceptions=True
        )
        acknowledged_ns = time.time_ns()
        sent = list(chain.from_iterable(answer for answer in answers if isinstance(answer, list)))
        published = list(chain.from_iterable(part.outcome for part in sent if isinstance(part.outcome, list)))
        await connection.execute(_DELETE, *_places(published))
        telemetry.OUTBOX_PUBLISHED.inc(len(published))
        for row in published:
            telemetry.published(row.topic, dict(row.headers), began_ns, acknowledged_ns)
        for place, batch, outcome in sent:
            if isinstance(outcome, REFUSED_FOR_EVER):
                await self._refused(connection, place, batch, outcome)
        for answer in (*answers, *(part.outcome for part in sent)):
            if isinstance(answer, BaseException):
                raise answer

    async def _publish_topic(self, producer: AIOKafkaProducer, topic: str, rows: Sequence[_Row]) -> list[_Sent]:
        """Publishes rows of one topic; raises `KafkaError` if the broker does not know the topic.

        How many partitions it has is the broker's to say: one made by hand may have more or fewer than the contract.
        """
        partitions = sorted(await producer.partitions_for(topic))
        batches: dict[_Place, list[_Row]] = defaultdict(list)
        for row in rows:
            batches[topic, int(_partition_of(row.key.encode(), partitions, partitions))].append(row)
        sending = (_send(producer, place, self._portion(place, batch)) for place, batch in batches.items())
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        return list(starmap(_Sent, zip(batches.keys(), batches.values(), outcomes, strict=True)))

    def _portion(self, place: _Place, batch: list[_Row]) -> list[_Row]:
        return batch[:1] if place in self._singly else batch

    async def _refused(self, connection: OwnConnection, place: _Place, batch: list[_Row], error: KafkaError) -> None:
        """Parks the refused row, once rows sent singly have shown which one it is."""
        if len(self._portion(place, batch)) > 1:
            self._singly.add(place)
            return
        await self._park(connection, batch[0], error)
        self._singly.discard(place)

    async def _park(self, connection: OwnConnection, row: _Row, error: KafkaError) -> None:
        reason = type(error).__name__
        await connection.execute(
            "UPDATE outbox SET parked_reason = $4 WHERE shard = $1 AND lane = $2 AND id = $3",
            *row[:3],
            reason,
        )
        telemetry.OUTBOX_PARKED.inc()
        with telemetry.about(tenant_id=dict(row.headers).get("ce_tenantid"), item_id=item_of(row.key)):
            logger.error("outbox row refused by the broker; its key is parked", outbox_id=row.id, reason=reason)

    async def _rest(self, connection: OwnConnection) -> None:
        """Waits for a commit or the next poll; a process that lacks shards notifies the others of its own commits."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), POLL_S)
        if self._committed_here and len(self._held) < SHARDS:
            self._committed_here = False
            await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
            await asyncio.sleep(NOTIFY_EVERY_S)


_COLUMNS = "o.shard, o.lane, o.id, o.topic, o.key, o.value, o.headers"
_FREE = "NOT EXISTS (SELECT FROM outbox p WHERE p.key = o.key AND p.parked_reason IS NOT NULL)"
_ALL_ROWS = f"""
SELECT * FROM (
    SELECT {_COLUMNS} FROM outbox o WHERE shard = ANY ($1::smallint[]) AND {_FREE}
    ORDER BY shard, lane, id LIMIT $2) AS rows
ORDER BY id
"""  # noqa: S608 - constants
"""Fewer than `$2` rows are all there are, so they may be found in the order of the index."""

ROWS_BY_TENANT = f"""
WITH RECURSIVE lanes AS (
    SELECT s.shard, first.lane FROM unnest($1::smallint[]) AS s (shard) CROSS JOIN LATERAL (
        SELECT lane FROM outbox o WHERE o.shard = s.shard ORDER BY lane LIMIT 1) AS first
    UNION ALL
    SELECT l.shard, following.lane FROM lanes l CROSS JOIN LATERAL (
        SELECT lane FROM outbox o WHERE o.shard = l.shard AND o.lane > l.lane ORDER BY lane LIMIT 1) AS following
)
SELECT {_COLUMNS} FROM lanes l CROSS JOIN LATERAL (
    SELECT * FROM outbox o WHERE o.shard = l.shard AND o.lane = l.lane AND {_FREE}
    ORDER BY o.id LIMIT (SELECT greatest($2::bigint / count(*), 1) FROM lanes)) AS o
ORDER BY o.id LIMIT $2
"""  # noqa: S608 - constants
"""The oldest rows of each tenant in each shard, equally many of all; the oldest of those where they are too many.

It skips from tenant to tenant through the index, so that a million rows of one cost as much as one batch of them.
"""

_DELETE = """DELETE FROM outbox o USING unnest($1::smallint[], $2::integer[], $3::bigint[]) AS p (shard, lane, id)
WHERE o.shard = p.shard AND o.lane = p.lane AND o.id = p.id
"""


def _places(rows: Sequence[_Row]) -> tuple[list[int], list[int], list[int]]:
    return [row.shard for row in rows], [row.lane for row in rows], [row.id for row in rows]


async def _close(connection: OwnConnection) -> None:
    with suppress(*INFRASTRUCTURE_ERRORS):
        await asyncio.wait_for(connection.close(), 2)


async def _stop(producer: AIOKafkaProducer) -> None:
    with suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(producer.stop(), 20)  # it gives up unsent records after its request time-out


async def _send(producer: AIOKafkaProducer, place: _Place, rows: Sequence[_Row]) -> list[_Row]:
    """Publishes rows of one partition in order, in as few record batches as they fit in; returns them."""
    topic, partition = place
    rest = list(rows)
    while rest:
        batch = producer.create_batch()
        taken = 0
        for row in rest:
            headers = [(name, text.encode()) for name, text in row.headers]
            if batch.append(key=row.key.encode(), value=row.value, timestamp=None, headers=headers) is None:
                break
            taken += 1
        if taken == 0:
            raise MessageSizeTooLargeError
        batch.close()
        async with asyncio.timeout(ACKNOWLEDGED_S):
            sent: Awaitable[Any] = await producer.send_batch(batch, topic, partition=partition)
            await sent
        rest = rest[taken:]
    return list(rows)
