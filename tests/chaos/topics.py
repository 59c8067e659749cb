"""The topics as anyone may read them: everything that was ever said, and how far the services have read."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.catalogue import TYPES
from contracts.decoding import decode
from contracts.envelope import Envelope
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic

READ_S = 5_000


async def read_all(bootstrap: str, topic: Topic, tenants: Collection[UUID]) -> list[Envelope[Any]]:
    """Each message of these tenants once, in the order of first publication per partition."""
    found: dict[tuple[str, str], Envelope[Any]] = {}
    async for record in _records(bootstrap, [topic]):
        envelope = decode(record.headers, record.value)
        if envelope.tenant in tenants:
            body = TYPES[envelope.type].model_validate_json(envelope.data)
            found.setdefault((envelope.source, envelope.id), envelope.with_data(body))
    return list(found.values())


async def tenants_by_id(bootstrap: str, topic: Topic) -> dict[str, UUID | None]:
    """Whose message each is, by its id."""
    envelopes = [decode(record.headers, record.value) async for record in _records(bootstrap, [topic])]
    return {one.id: one.tenant for one in envelopes}


async def _records(bootstrap: str, topics: Sequence[Topic]) -> AsyncIterator[ConsumerRecord]:
    """Everything that was ever published."""
    async with _consumer(bootstrap) as consumer:
        places = _places(topics)
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=READ_S)).values():
                for record in records:
                    yield record


async def unread(bootstrap: str) -> dict[str, int]:
    """How many messages groups have not read yet, by group and topic; of topics that they have begun to read."""
    groups = {group for topic in TOPICS for group in topic.groups}
    read = await _read_offsets(bootstrap, groups)
    begun = {(group, place.topic) for group, place in read}
    places = [
        (group, place) for t in TOPICS for group in t.groups if (group, t.name) in begun for place in _places([t])
    ]
    async with _consumer(bootstrap) as consumer:
        ends = await consumer.end_offsets([place for _, place in places])
    found: Counter[str] = Counter()
    for group, place in places:
        found[f"{group} of {place.topic}"] += ends[place] - read.get((group, place), 0)
    return {what: lag for what, lag in found.items() if lag}


async def _read_offsets(bootstrap: str, groups: set[str]) -> dict[tuple[str, TopicPartition], int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = {group: await admin.list_consumer_group_offsets(group) for group in groups}
    finally:
        await admin.close()
    return {(group, place): stored.offset for group, all_ in offsets.items() for place, stored in all_.items()}


async def dead_letters(bootstrap: str, but: UUID | None = None) -> dict[str, int]:
    """How many messages were ever put aside, by topic; not those of one tenant."""
    records = [one async for one in _records(bootstrap, DEAD_LETTER_TOPICS)]
    return dict(Counter(one.topic for one in records if but is None or _tenant(one) != str(but)))


def _tenant(record: ConsumerRecord) -> str:
    """As the header says, however odd the rest of the record."""
    headers: dict[str, bytes | None] = dict(record.headers)
    return (headers.get("ce_tenantid") or b"").decode(errors="replace")


def _places(topics: Sequence[Topic]) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        yield consumer
    finally:
        try:
            await consumer.stop()
        except asyncio.CancelledError:  # aiokafka's own: it cancels a task that may not have begun
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
