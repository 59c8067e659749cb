"""The Kafka client: one broker per service, consumers that take batches and survive any bytes.

A batch is one database transaction and one offset commit. What can go wrong is told apart in one place:

- a record that is no message, or has a body its type does not allow → dead letter, byte for byte;
- a type nobody here knows → skipped and counted;
- a server of ours is away → the consumer waits and tries the same batch again, for as long as it takes;
- a batch fails otherwise → done again message by message, and the message that fails alone is tried a few times, then
  becomes a dead letter.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, cast

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy, Context
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from pydantic import ValidationError

from contracts.envelope import Body, Envelope, UndecodableError, decode
from contracts.kit import telemetry
from contracts.kit.clock import utc_now
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.dead_letter import DeadLetters
from contracts.kit.inbox import Inbox
from contracts.topics import Topic

logger = structlog.get_logger(__name__)

MAX_RECORDS = 500
ATTEMPTS_ALONE = 4
COMMIT_TIMEOUT_S = 15
IDLE_POLL_MS = 20
"""FastStream sleeps this long after an empty poll, so it bounds the latency of an idle consumer."""


class OutageError(Exception):
    """A handler found another service of ours, or Temporal, away: wait and try again, blame no message."""


OUTAGES = (*INFRASTRUCTURE_ERRORS, KafkaError, OutageError)


class BatchHandler(Protocol):
    """Does everything that a batch of messages asks for, in the given transaction."""

    async def __call__(self, messages: Sequence[Envelope[Any]], tx: Connection) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a service consumes from some topics.

    `bodies` are the message classes it wants (others are passed over); `handle` gets those it has not seen before.
    `prepare` runs before the transaction, for what needs the network; what it returns is nothing: it fills caches that
    `handle` reads. `on_dead` is told of a message put aside, in a transaction (a command's owner answers it then).
    `deduplicate` is off only for commands, whose own rows do that.
    """

    topics: tuple[Topic, ...]
    bodies: tuple[type[Body], ...]
    handle: BatchHandler
    prepare: Callable[[Sequence[Envelope[Any]]], Awaitable[None]] | None = None
    on_dead: Callable[[Envelope[bytes], str, Connection], Awaitable[None]] | None = None
    wanted: Callable[[Envelope[Any]], bool] = lambda _: True
    deduplicate: bool = True


def each(routes: Mapping[type[Body], Callable[[Envelope[Any], Connection], Awaitable[None]]]) -> BatchHandler:
    """A batch handler that hands each message to the method for its class, one after another."""

    async def handle(messages: Sequence[Envelope[Any]], tx: Connection) -> None:
        for message in messages:
            with telemetry.span(f"handle {message.type}", message.traceparent):
                await routes[type(message.data)](message, tx)

    return handle


def make_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """A producer whose acknowledged messages are durable and, within one life, neither doubled nor reordered."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        request_timeout_ms=15_000,
        max_request_size=1_048_576,
    )


@dataclass(slots=True)
class _Read:
    """What a batch of records turned out to be."""

    messages: list[tuple[ConsumerRecord[Any, Any], Envelope[Any]]] = field(default_factory=list)
    dead: list[tuple[ConsumerRecord[Any, Any], str, str]] = field(default_factory=list)


class Consumer:
    """One subscription of one group."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        group: str,
        database: Database,
        inbox: Inbox,
        dead_letters: DeadLetters,
    ) -> None:
        self._subscription = subscription
        self._group = group
        self._database = database
        self._inbox = inbox
        self._dead_letters = dead_letters
        self._types = {body.TYPE: body for body in subscription.bodies}
        self._subscriber: BatchSubscriber | None = None
        self._busy_since: float | None = None

    def subscribe(self, broker: KafkaBroker, *, instance: str) -> None:
        """Registers with the broker; records are handed over raw, since no parser may fail before us."""
        subscriber = broker.subscriber(
            *(topic.name for topic in self._subscription.topics),
            group_id=self._group,
            group_instance_id=f"{self._group}-{instance}-{self._subscription.topics[0].name}",
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=IDLE_POLL_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            session_timeout_ms=45_000,
            rebalance_timeout_ms=60_000,
            max_poll_interval_ms=86_400_000,  # a wedge is found by `wedged_for`, not by a rebalance
            parser=_raw_parser,
            decoder=_no_decoder,
        )
        subscriber(self._on_batch)
        self._subscriber = subscriber

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        if self._subscriber is None or self._subscriber.consumer is None:
            raise RuntimeError("the consumer is not started")
        return self._subscriber.consumer

    def wedged_for(self) -> float:
        """Seconds since the batch in hand made no progress; waiting for a server counts as progress."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    def ready(self) -> bool:
        """Whether partitions are assigned (or all belong to other replicas) and batches are finished."""
        started = self._subscriber is not None and self._subscriber.consumer is not None
        return started and self.wedged_for() < COMMIT_TIMEOUT_S * 4

    async def _on_batch(self, message: Annotated[KafkaMessage, Context()]) -> None:
        consumer = self._consumer
        records = cast("Sequence[ConsumerRecord[Any, Any]]", message.raw_message)
        self._busy_since = time.monotonic()
        await self._until_done(lambda: self._process(records), consumer)
        await self._until_done(lambda: self._commit(consumer, records), consumer)
        self._busy_since = None

    async def _until_done(self, attempt: Callable[[], Awaitable[None]], consumer: AIOKafkaConsumer) -> None:
        """Tries until no server is away. Paused, and polling, so that the group keeps this member."""
        pause = 0.2
        while True:
            try:
                await attempt()
            except OUTAGES as error:
                logger.warning("consumer waits for a server", error=type(error).__name__, pause_s=round(pause, 1))
                await _poll_paused(consumer, pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
                pause = min(pause * 2, 10)
                self._busy_since = time.monotonic()
            else:
                return

    async def _commit(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        owned = {place: offset for place, offset in offsets.items() if place in consumer.assignment()}
        if owned:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await _commit_or_leave_to_new_owner(consumer, owned)

    async def _process(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        read = self._read(records)
        for record, reason, detail in read.dead:
            await self._put_aside(record, reason, detail)
        try:
            await self._handle([message for _, message in read.messages])
        except OUTAGES:
            raise
        except Exception as error:
            logger.warning("batch failed; its messages are tried one by one", error=type(error).__name__)
            for record, message in read.messages:
                await self._handle_alone(record, message)

    def _read(self, records: Sequence[ConsumerRecord[Any, Any]]) -> _Read:
        read = _Read()
        for record in records:
            try:
                envelope = decode(record.headers, record.value)
            except UndecodableError as error:
                read.dead.append((record, "undecodable", str(error)))
                continue
            body = self._types.get(envelope.type)
            if body is None:
                telemetry.MESSAGES.labels(record.topic, "skipped").inc()
            elif self._subscription.wanted(envelope):
                self._read_body(read, record, envelope, body)
        return read

    def _read_body(
        self, read: _Read, record: ConsumerRecord[Any, Any], envelope: Envelope[bytes], body: type[Body]
    ) -> None:
        try:
            data = body.model_validate_json(envelope.data)
        except ValidationError as error:
            read.dead.append((record, "invalid", _where(error)))
            return
        too_old = self._inbox.outside(envelope) if self._subscription.deduplicate else None
        if too_old:
            read.dead.append((record, "outside_inbox", too_old))
        else:
            read.messages.append((record, envelope.with_data(data)))

    async def _handle(self, messages: Sequence[Envelope[Any]]) -> None:
        if not messages:
            return
        if self._subscription.prepare:
            await self._subscription.prepare(messages)
        async with self._database.transaction(*{message.tenant for message in messages}) as tx:
            new = await self._inbox.unseen(tx, messages) if self._subscription.deduplicate else messages
            if new:
                await self._subscription.handle(new, tx)
        self._count(messages)

    def _count(self, messages: Sequence[Envelope[Any]]) -> None:
        topic, now = self._subscription.topics[0].name, utc_now()
        telemetry.MESSAGES.labels(topic, "handled").inc(len(messages))
        for message in messages:
            telemetry.EVENT_AGE.labels(topic).observe((now - message.time).total_seconds())

    async def _handle_alone(self, record: ConsumerRecord[Any, Any], message: Envelope[Any]) -> None:
        for attempt in range(ATTEMPTS_ALONE):
            try:
                await self._handle([message])
            except OUTAGES:
                raise
            except Exception as error:
                logger.exception("message failed", message_type=message.type, message_id=message.id, attempt=attempt)
                reason = f"{type(error).__name__} in {ATTEMPTS_ALONE} attempts"
                await asyncio.sleep(0.1 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                self._busy_since = time.monotonic()
            else:
                return
        await self._put_aside(record, "failed", reason)

    async def _put_aside(self, record: ConsumerRecord[Any, Any], reason: str, detail: str) -> None:
        """Dead letter first, answer second: killed in between, both happen again and change nothing."""
        telemetry.DEAD_LETTERS.labels(record.topic, reason).inc()
        await self._dead_letters.put(record, reason, detail)
        if self._subscription.on_dead is None:
            return
        with suppress(UndecodableError):
            envelope = decode(record.headers, record.value or b"")
            async with self._database.transaction(envelope.tenant) as tx:
                await self._subscription.on_dead(envelope, detail, tx)


async def _commit_or_leave_to_new_owner(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    try:
        await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError):
        logger.info("partitions moved to another replica before the commit; it will see these messages again")


async def _poll_paused(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Lets time pass as a member of the group: polling, but nothing is fetched from paused partitions."""
    places = consumer.assignment()
    consumer.pause(*places)
    try:
        deadline = time.monotonic() + seconds
        await consumer.getmany(timeout_ms=int(seconds * 1000))
        await asyncio.sleep(max(0.0, deadline - time.monotonic()))
    finally:
        consumer.resume(*(place for place in places if place in consumer.assignment()))


async def _raw_parser(records: Any) -> KafkaMessage:
    """Takes the records as they are: FastStream's own parser decodes headers and skips a batch that has a bad one."""
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _no_decoder(message: KafkaMessage) -> None:
    return None


def _where(error: ValidationError) -> str:
    """Where a body is wrong, without its values."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['msg']}" for e in error.errors()[:5])
