"""What the kit asks of a consumer: records, and where it stands in its partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from contracts.kit.kafka import ANSWER_S, KafkaRecord

logger = structlog.get_logger(__name__)

MAX_RECORDS = 500
POLL_MS = 500
"""How long a poll waits for records, and so how soon a stop is noticed; records end it at once."""
POLL_TIMEOUT_S = 60


async def next_records(consumer: AIOKafkaConsumer, *places: TopicPartition) -> list[KafkaRecord]:
    """The next records, at most `MAX_RECORDS`; raises one of `RECORD_ERRORS` for one that cannot be read."""
    async with asyncio.timeout(POLL_TIMEOUT_S):
        batches = await consumer.getmany(*places, timeout_ms=POLL_MS, max_records=MAX_RECORDS)
    return list(chain.from_iterable(batches.values()))


async def go_back(consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
    """Seeks to behind the last committed record."""
    async with asyncio.timeout(ANSWER_S):
        committed = await consumer.committed(place)
        if committed is None:
            await consumer.seek_to_beginning(place)
        else:
            consumer.seek(place, committed)


async def commit(consumer: AIOKafkaConsumer, records: Sequence[KafkaRecord]) -> None:
    """Commits what this member still owns; the rest is left to the new owner, who sees it again."""
    await commit_offsets(
        consumer, {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    )


async def commit_offsets(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    owned = {place: offset for place, offset in offsets.items() if place in consumer.assignment()}
    if not owned:
        return
    try:
        async with asyncio.timeout(ANSWER_S):
            await consumer.commit(owned)
    except (CommitFailedError, IllegalStateError):
        logger.info("partitions moved to another replica before the commit; it will see these messages again")
