"""The broker as the neighbours of a service under test use it: they publish, and hear what is said from now on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import ValidationError

from contracts.catalogue import TYPES
from contracts.decoding import decode
from contracts.envelope import Body, Envelope, Record, UndecodableError
from contracts.messages.results import RESULTS, CommandProgress, FinalResult
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic
from local_stack.topics import create_topics
from support.waiting import eventually


@dataclass(frozen=True)
class KafkaProbe:
    """`heard` is everything said on the topics listened to, in order per key."""

    producer: AIOKafkaProducer
    heard: list[Envelope[Any]] = field(default_factory=list)

    async def publish(self, topic: Topic, *messages: Envelope[Any]) -> None:
        for message in messages:
            await send(self.producer, topic, Record.of(message))

    def said[B: Body](self, tenant: UUID, kind: type[B]) -> list[Envelope[B]]:
        """The messages of a class for a tenant so far."""
        return [one for one in self.heard if one.tenant == tenant and isinstance(one.data, kind)]

    async def hears[B: Body](self, tenant: UUID, kind: type[B], count: int = 1) -> list[Envelope[B]]:
        """Waits until there are that many; all there are then."""

        async def look() -> list[Envelope[B]]:
            found = self.said(tenant, kind)
            return found if len(found) >= count else []

        return await eventually(look, f"{kind.__name__} number {count}")

    def answers(self, command_id: UUID) -> list[Envelope[Any]]:
        """The results of a command so far, progress included."""
        return [one for one in self.heard if one.causation == str(command_id) and isinstance(one.data, RESULTS)]

    async def results(self, command_id: UUID, count: int = 1) -> list[FinalResult]:
        """Waits until a command was given that many final results."""

        async def look() -> list[FinalResult]:
            found = [one.data for one in self.answers(command_id) if not isinstance(one.data, CommandProgress)]
            return found if len(found) >= count else []

        return await eventually(look, f"final result number {count}")

    async def listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            with suppress(UndecodableError, KeyError, ValidationError):  # tests put malformed records there, too
                envelope = decode(record.headers, record.value)
                self.heard.append(envelope.with_data(TYPES[envelope.type].model_validate_json(envelope.data)))


async def send(producer: AIOKafkaProducer, topic: Topic, record: Record) -> None:
    """Waits until the broker has it."""
    await producer.send_and_wait(topic.name, key=record.key, value=record.value, headers=list(record.headers))


@asynccontextmanager
async def open_kafka_probe(kafka: str, listen_to: Sequence[Topic]) -> AsyncGenerator[KafkaProbe]:
    """Makes all topics there are, which are the session's (tenants tell tests apart), and hears some from now on."""
    await create_topics(kafka, [*TOPICS, *DEAD_LETTER_TOPICS])
    places = [TopicPartition(topic.name, n) for topic in listen_to for n in range(topic.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer, consumer:
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        kafka_probe = KafkaProbe(producer)
        listening = asyncio.create_task(kafka_probe.listen(consumer))
        try:
            yield kafka_probe
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
