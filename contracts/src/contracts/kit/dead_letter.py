"""Dead letters: what a group cannot use goes to `<topic>.<group>.dlq`, byte for byte, with headers that say why."""

from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord

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
        producer = await self._started()
        headers = [
            *record.headers,
            ("dlq-reason", reason.encode()),
            ("dlq-detail", detail.encode()[:1000]),
            ("dlq-topic", record.topic.encode()),
            ("dlq-partition", str(record.partition).encode()),
            ("dlq-offset", str(record.offset).encode()),
            ("dlq-at", utc_now().isoformat().encode()),
        ]
        topic = dead_letter_topic(record.topic, self._group)
        await producer.send_and_wait(topic, value=record.value, key=record.key, headers=headers)
        logger.warning("message put aside", topic=topic, reason=reason, detail=detail, offset=record.offset)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            await producer.start()
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
