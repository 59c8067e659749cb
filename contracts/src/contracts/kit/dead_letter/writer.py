"""Dead letters: what a group cannot use is put aside, byte for byte, with the reason.

It goes to the topic `<topic>.<group>.dlq` with headers `dlq-*`, for those who watch topics, and into the table
`dead_letters` of the service, from where operators replay it, to this group alone, or discard it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from contracts.kit.clock import utc_now
from contracts.kit.database import Database
from contracts.kit.dead_letter.letter import MAX_DETAIL, DeadLetter
from contracts.kit.dead_letter.store import letters
from contracts.kit.kafka import ACKNOWLEDGED_S
from contracts.texts import readable_reason
from contracts.topics import dead_letter_topic

logger = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""How long the bytes of a settled dead letter are kept; as long as in the topic. Open ones are kept for ever."""


class DeadLetters:
    """Writes dead letters of one group. `put` and `put_unreadable` raise `KafkaError` when the broker is away."""

    def __init__(self, group: str, producer: Callable[[], AIOKafkaProducer], database: Database) -> None:
        self._group = group
        self._make_producer = producer
        self._producer: AIOKafkaProducer | None = None
        self._database = database
        self._one_by_one = asyncio.Lock()
        """All consumers of a service write here: one must not close the producer that another waits for."""

    async def put(self, record: ConsumerRecord[Any, Any], reason: str, detail: str, replays: int = 0) -> None:
        """Returns when the broker has the record; `reason` is one word, `detail` names the place, never a value."""
        place = TopicPartition(record.topic, record.partition)
        headers = [*record.headers, *_headers(place, record.offset, reason, detail, replays)]
        try:
            await self._send(place, value=record.value, key=record.key, headers=headers)
        except MessageSizeTooLargeError:
            detail_here = f"{detail}; too large to be copied"
            await self._send(place, headers=_headers(place, record.offset, reason, detail_here, replays))
        logger.warning("message put aside", topic=place.topic, reason=reason, detail=detail, offset=record.offset)

    async def put_unreadable(self, place: TopicPartition, offset: int, value: bytes, detail: str) -> None:
        """A record, or a batch of them, that the client cannot read: as the bytes that the broker has."""
        headers = _headers(place, offset, "unreadable", detail)
        try:
            await self._send(place, value=value, headers=headers)
        except MessageSizeTooLargeError:
            await self._send(place, headers=_headers(place, offset, "unreadable", f"{detail}; too large to be copied"))
        await self._keep(DeadLetter.unreadable(place, offset, value, detail, utc_now()))
        logger.error("record cannot be read; stepped over", topic=place.topic, partition=place.partition, offset=offset)

    async def keep(self, record: ConsumerRecord[Any, Any], reason: str, detail: str) -> None:
        """Keeps the record for people to decide on; the same record again changes nothing."""
        await self._keep(DeadLetter.of(record, reason, detail, utc_now()))

    async def _keep(self, letter: DeadLetter) -> None:
        async with self._database.delivery() as tx:
            await letters.add(tx, letter)

    async def _send(
        self,
        place: TopicPartition,
        *,
        headers: list[tuple[str, bytes]],
        key: bytes | None = None,
        value: bytes | None = None,
    ) -> None:
        """As a batch of one, since the client's `send` takes no record without key and value."""
        topic = dead_letter_topic(place.topic, self._group)
        async with self._one_by_one:
            producer = await self._started()
            try:
                partitions = await producer.partitions_for(topic)
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
                batch.close()
                async with asyncio.timeout(ACKNOWLEDGED_S):
                    await (await producer.send_batch(batch, topic, partition=place.partition % len(partitions)))
            except (KafkaError, TimeoutError):
                await self.close()  # a refused record leaves a gap that this producer cannot get over
                raise

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = self._make_producer()
            try:
                await self._producer.start()
            except KafkaError:
                await self.close()
                raise
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), 5)


async def erase_settled(database: Database, now: datetime) -> None:
    """Takes the bytes, personal data of tenants, from what was settled long ago."""
    async with database.delivery() as tx:
        await letters.erase(tx, settled_before=now - KEPT)


def _headers(place: TopicPartition, offset: int, reason: str, detail: str, replays: int = 0) -> list[tuple[str, bytes]]:
    headers = [
        ("dlq-reason", reason.encode()),
        ("dlq-detail", readable_reason(detail, MAX_DETAIL).encode()),
        ("dlq-topic", place.topic.encode()),
        ("dlq-partition", str(place.partition).encode()),
        ("dlq-offset", str(offset).encode()),
        ("dlq-at", utc_now().isoformat().encode()),
    ]
    return [*headers, ("dlq-replays", str(replays).encode())] if replays else headers
