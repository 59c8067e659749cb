"""How this project's Kafka clients are made, and what a consumer asks of one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber

from contracts.topics import Topic

logger = structlog.get_logger(__name__)

type KafkaRecord = ConsumerRecord[Any, Any]

MAX_RECORDS = 500
POLL_MS = 500
"""How long a poll waits for records, and so how soon a stop is noticed; records end it at once."""
POLL_TIMEOUT_S = 60
ANSWER_S = 15
"""How long the group's coordinator may take to answer."""
SESSION_MS = 45_000
REBALANCE_MS = 60_000


def make_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """A producer whose acknowledged messages are durable and, within one life, neither doubled nor reordered."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=131_072,
        request_timeout_ms=15_000,
        max_request_size=1_048_576,
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A process in a consumer group; its place there outlives a restart under the same name."""

    bootstrap: str
    group: str
    name: str


def make_broker(member: Member) -> KafkaBroker:
    """FastStream's side of one consumer; it is not told of handlers, so it leaves the polling to us."""
    return KafkaBroker(
        member.bootstrap,
        client_id=member.name,
        consumer_only=True,
        allow_auto_create_topics=False,
        request_timeout_ms=REBALANCE_MS + 5_000,  # joining a group takes as long as its slowest member
        metadata_max_age_ms=30_000,
        logger=None,
    )


def make_subscriber(broker: KafkaBroker, member: Member, topics: Sequence[Topic]) -> BatchSubscriber:
    """A consumer that commits only what it is told to, and sees nothing of a transaction that was aborted."""
    return broker.subscriber(
        *(topic.name for topic in topics),
        batch=True,
        group_id=member.group,
        group_instance_id=f"{member.name}-{topics[0].name}",
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=SESSION_MS,
        rebalance_timeout_ms=REBALANCE_MS,
        max_poll_interval_ms=86_400_000,  # who waits for a server stays a member; a wedge is found by `wedged_for`
        no_reply=True,
    )


def started(subscriber: BatchSubscriber) -> AIOKafkaConsumer:
    if subscriber.consumer is None:
        raise RuntimeError("the consumer is not started")
    return subscriber.consumer


async def next_records(consumer: AIOKafkaConsumer, *places: TopicPartition) -> list[KafkaRecord]:
    """What has come, at most `MAX_RECORDS`; raises one of `RECORD_ERRORS` for a record that cannot be read."""
    async with asyncio.timeout(POLL_TIMEOUT_S):
        batches = await consumer.getmany(*places, timeout_ms=POLL_MS, max_records=MAX_RECORDS)
    return list(chain.from_iterable(batches.values()))


async def go_back(consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
    """To behind what is done: everything that was taken is committed."""
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
