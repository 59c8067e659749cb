"""One member of a consumer group: polls, waits for servers, and commits what is done.

FastStream builds the member; its own polling loop is not used, for the reasons of decision 1.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.kit.broker.batch import Batch
from contracts.kit.broker.group import Member, joined, leave
from contracts.kit.broker.lag import Lag
from contracts.kit.broker.offsets import commit, commit_offsets, go_back, next_records
from contracts.kit.broker.outages import OUTAGES, OutageError
from contracts.kit.broker.processing import Processor
from contracts.kit.broker.raw_records import RECORD_ERRORS, fetch_batch
from contracts.kit.kafka import ANSWER_S, KafkaRecord

logger = structlog.get_logger(__name__)

CHECK_EVERY_S = 20
"""A client that has not heard from its coordinator for so long asks it something."""
JOIN_S = 150
"""Longer than the slowest rebalance: a client without partitions for so long is replaced."""
READY_S = 60


class Consumer:
    """Consumes what a processor's subscription names, as one member of a group."""

    def __init__(self, processor: Processor, member: Member) -> None:
        self._processor = processor
        self._topics = processor.subscription.topics
        self._member = member
        self._stopping = asyncio.Event()
        self._lag = Lag([topic.name for topic in self._topics])
        self._assigned = False
        self._answered_at = self._alive_at = time.monotonic()

    async def run(self) -> None:
        """Consumes until `stop` is called. When the client breaks, another takes its place in the group."""
        self._alive()
        while not self._stopping.is_set():
            try:
                async with joined(self._member, self._topics) as consumer:
                    await self._poll(consumer)
            except OUTAGES as error:
                self._alive()
                logger.warning("consumer waits for the broker", error=type(error).__name__)
                await self._pause(1)
            except Exception:
                logger.exception("consumer failed and starts again")
                await self._pause(1)
            finally:
                self._assigned = False
        await leave(self._member, self._topics)

    def stop(self) -> None:
        """Lets `run` end when the batch in hand is done."""
        self._stopping.set()

    def wedged_for(self) -> float:
        """Seconds without a sign of life; waiting for a server is one."""
        return time.monotonic() - self._alive_at

    def ready(self) -> bool:
        """Whether it has partitions, finishes its batches, and heard from the group's coordinator lately."""
        return self._assigned and max(self.wedged_for(), time.monotonic() - self._answered_at) < READY_S

    def _alive(self) -> None:
        self._alive_at = time.monotonic()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        self._answered_at = time.monotonic()
        while not self._stopping.is_set():
            try:
                records = await next_records(consumer)
            except RECORD_ERRORS:
                await self._skip_unreadable(consumer)
                continue
            self._alive()
            self._assigned = bool(consumer.assignment())
            self._lag.polled(records)
            self._lag.measure(consumer)
            if records:
                await self._handle(consumer, records)
            elif time.monotonic() - self._answered_at > CHECK_EVERY_S:
                await self._check_membership(consumer)

    async def _check_membership(self, consumer: AIOKafkaConsumer) -> None:
        """Makes sure that an idle client still has its group: a client that lost it for good goes on polling."""
        place = next(iter(consumer.assignment()), None)
        if place is not None:
            async with asyncio.timeout(ANSWER_S):
                await consumer.committed(place)
            self._answered_at = time.monotonic()
        elif time.monotonic() - self._answered_at > JOIN_S:
            raise OutageError("the group gave no partitions")

    async def _skip_unreadable(self, consumer: AIOKafkaConsumer) -> None:
        """Finds the partition with the record that cannot be read, and goes on behind it.

        The client drops what it had read of other partitions when it meets such a record, so all are read again.
        """
        for place in consumer.assignment():
            await go_back(consumer, place)
            async with asyncio.timeout(ANSWER_S):
                if await consumer.position(place) == consumer.highwater(place):
                    continue
            try:
                records = await next_records(consumer, place)
            except RECORD_ERRORS:
                await go_back(consumer, place)
                while not self._stopping.is_set() and not await self._handle_raw_batch(consumer, place):
                    self._alive()
            else:
                await self._handle(consumer, records)

    async def _handle_raw_batch(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
        """Handles what can be read of the next record batch, and puts aside what cannot, with its bytes.

        Returns whether the client can go on by itself: behind what cannot be read, or at the end of the partition.
        """
        async with asyncio.timeout(ANSWER_S):
            offset = await consumer.position(place)
        contents = (await fetch_batch(self._member.servers, place, offset)).read()
        await self._processor.put_aside(place, contents.unreadable)
        if not await self._until_done(self._processor.read(contents.records)):
            return False
        consumer.seek(place, contents.next_offset)
        await commit_offsets(consumer, {place: contents.next_offset})
        return bool(contents.unreadable) or contents.next_offset == offset

    async def _handle(self, consumer: AIOKafkaConsumer, records: Sequence[KafkaRecord]) -> None:
        """A commit that fails is an outage for `run`: the client may be broken for good. What is done stays done."""
        batch = self._processor.read(records)
        if await self._until_done(batch):
            await commit(consumer, records)
            self._lag.handled(records)
            self._alive()
            self._answered_at = time.monotonic()

    async def _until_done(self, batch: Batch) -> bool:
        """Tries until it works, a member of the group meanwhile; false when the consumer is stopped before that."""
        pause = 0.2
        while not self._stopping.is_set():
            try:
                while await self._processor.advance(batch):
                    self._alive()
            except OUTAGES as error:
                logger.warning("consumer waits for a server", error=type(error).__name__, pause_s=round(pause, 1))
                self._alive()
            except Exception:
                logger.exception("consumer cannot go on", pause_s=round(pause, 1))
            else:
                self._alive()
                return True
            await self._pause(pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
            pause = min(pause * 2, 10)
        return False
