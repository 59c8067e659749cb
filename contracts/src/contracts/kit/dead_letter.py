"""Dead letters: what a group cannot use goes to `<topic>.<group>.dlq`, byte for byte, with headers that say why."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from contracts.kit.clock import utc_now
from contracts.topics import dead_letter_topic

logger = structlog.get_logger(__name__)


class DeadLetters:
    """Writes dead letters of one group. `put` raises `KafkaError` when the broker is away."""

    def __init__(self, group: str, producer: Callable[[], AIOKafkaProducer]) -> None:
        self._group = group
        self._make_producer = producer
        self._producer: AIOKafkaProducer | None = None

    async def put(self, record: ConsumerRecord[Any, Any], reason: str, detail: str) -> None:
        """Returns when the broker has the record; `reason` is one word, `detail` names the place, never a value."""
        place = TopicPartition(record.topic, record.partition)
        headers = [*record.headers, *_headers(place, record.offset, reason, detail)]
        try:
            await self._send(place, value=record.value, key=record.key, headers=headers)
        except MessageSizeTooLargeError:
            await self._send(place, headers=_headers(place, record.offset, reason, f"{detail}; too large to be copied"))
        logger.warning("message put aside", topic=place.topic, reason=reason, detail=detail, offset=record.offset)

    async def put_unreadable(self, place: TopicPartition, offset: int) -> None:
        """Marks the place of a record that the client cannot read at all: its bytes stay in the topic only."""
        headers = _headers(place, offset, "unreadable", "a header name of this or an earlier record is not UTF-8")
        await self._send(place, headers=headers)
        logger.error("record cannot be read; stepped over", topic=place.topic, partition=place.partition, offset=offset)

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
        producer = await self._started()
        try:
            partitions = await producer.partitions_for(topic)
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=place.partition % len(partitions)))
        except KafkaError:
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


def _headers(place: TopicPartition, offset: int, reason: str, detail: str) -> list[tuple[str, bytes]]:
    return [
        ("dlq-reason", reason.encode()),
        ("dlq-detail", detail[:1000].encode()),
        ("dlq-topic", place.topic.encode()),
        ("dlq-partition", str(place.partition).encode()),
        ("dlq-offset", str(offset).encode()),
        ("dlq-at", utc_now().isoformat().encode()),
    ]
