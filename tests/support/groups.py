"""Consumer groups from outside: set back to the beginning, and how far behind they are."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import TOPICS

type Places = Mapping[str, list[TopicPartition]]
"""Partitions by group."""


async def read_so_far(kafka: str, groups: Iterable[str]) -> Places:
    """Where the groups have read something."""
    found: dict[str, list[TopicPartition]] = {}
    for group in groups:
        async with _asking(kafka, group) as consumer:
            places = [TopicPartition(topic.name, n) for topic in TOPICS for n in range(topic.partitions)]
            found[group] = [place for place in places if await consumer.committed(place)]
    return found


async def rewind(kafka: str, places: Places) -> None:
    """Sets groups, which have no members now, back to offset 0."""
    for group, theirs in places.items():
        async with _asking(kafka, group) as consumer:
            consumer.assign(theirs)
            await consumer.commit(dict.fromkeys(theirs, 0))


async def lag(kafka: str, places: Places) -> int:
    """How many records the groups have not put behind them."""
    behind = 0
    for group, theirs in places.items():
        async with _asking(kafka, group) as consumer:
            ends = await consumer.end_offsets(theirs)
            behind += sum([end - (await consumer.committed(place) or 0) for place, end in ends.items()])
    return behind


@asynccontextmanager
async def _asking(kafka: str, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that asks for a group without joining it."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False) as consumer:
        yield consumer
