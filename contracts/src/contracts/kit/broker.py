"""The Kafka client: consumers that take batches and survive any bytes, and how producers are made.

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
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, CorruptRecordException, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber
from pydantic import ValidationError

from contracts.envelope import Body, Envelope, UndecodableError, decode, salvage
from contracts.issues import issues_of
from contracts.kit import telemetry
from contracts.kit.clock import utc_now
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.inbox import Inbox
from contracts.kit.lag import Lag
from contracts.topics import Topic

logger = structlog.get_logger(__name__)

type _Record = ConsumerRecord[Any, Any]

MAX_RECORDS = 500
ATTEMPTS_ALONE = 4
POLL_MS = 500
"""How long a poll waits for records, and so how soon a stop is noticed; records end it at once."""
POLL_TIMEOUT_S = 60
ANSWER_S = 15
"""How long the group's coordinator may take to answer."""
ASK_EVERY_S = 20
"""A client that has not heard of its coordinator for so long asks it something."""
JOIN_S = 150
"""Longer than the slowest rebalance: a client without partitions for so long is replaced."""
READY_S = 60
SESSION_MS = 45_000
REBALANCE_MS = 60_000


class OutageError(Exception):
    """A handler found another service of ours, or Temporal, away: wait and try again, blame no message."""


OUTAGES = (*INFRASTRUCTURE_ERRORS, KafkaError, OutageError)
TOO_MUCH_AT_ONCE = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError)
"""Outages that a smaller transaction may get past."""
UNREADABLE = (UnicodeDecodeError, CorruptRecordException)
"""What the client raises for a record with a header name that is no text; it cannot read past it by itself."""


type Settle = Callable[[Connection], Awaitable[bool]]
"""Ends the replay of a dead letter in the transaction of its effect; says whether it was not ended before."""


class BatchHandler(Protocol):
    """Does everything that a batch of messages asks for, in the given transaction."""

    async def __call__(self, messages: Sequence[Envelope[Any]], tx: Connection, /) -> None: ...


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
            with telemetry.handling("handle", message):
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
    """A consumer that commits only what it is told to."""
    return broker.subscriber(
        *(topic.name for topic in topics),
        batch=True,
        group_id=member.group,
        group_instance_id=f"{member.name}-{topics[0].name}",
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_MS,
        rebalance_timeout_ms=REBALANCE_MS,
        max_poll_interval_ms=86_400_000,  # who waits for a server stays a member; a wedge is found by `wedged_for`
        no_reply=True,
    )


@dataclass(slots=True)
class _Batch:
    """What is left to do of a batch of records. `singly`: message by message, since all together did not work."""

    messages: deque[tuple[_Record, Envelope[Any]]] = field(default_factory=deque)
    dead: deque[tuple[_Record, str, str]] = field(default_factory=deque)
    unanswered: deque[tuple[_Record, str, str]] = field(default_factory=deque)
    singly: bool = False


class Consumer:
    """One subscription of one member of a group."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        member: Member,
        database: Database,
        inbox: Inbox,
        dead_letters: DeadLetters,
    ) -> None:
        self._subscription = subscription
        self._member = member
        self._database = database
        self._inbox = inbox
        self._dead_letters = dead_letters
        self._types = {body.TYPE: body for body in subscription.bodies}
        self._stopping = asyncio.Event()
        self._lag = Lag([topic.name for topic in subscription.topics])
        self._assigned = False
        self._answered_at = self._alive_at = time.monotonic()

    async def run(self) -> None:
        """Consumes until `stop` is called. When the client breaks, another takes its place in the group."""
        self._alive()
        while not self._stopping.is_set():
            broker = make_broker(self._member)
            subscriber = make_subscriber(broker, self._member, self._subscription.topics)
            try:
                await broker.start()
                await self._poll(_started(subscriber))
            except OUTAGES as error:
                self._alive()
                logger.warning("consumer waits for the broker", error=type(error).__name__)
                await self._pause(1)
            except Exception:
                logger.exception("consumer failed and starts anew")
                await self._pause(1)
            finally:
                self._assigned = False
                await self._close(broker, subscriber)

    def stop(self) -> None:
        """Lets `run` end when the batch in hand is done."""
        self._stopping.set()

    def wedged_for(self) -> float:
        """Seconds without a sign of life; waiting for a server is one."""
        return time.monotonic() - self._alive_at

    def ready(self) -> bool:
        """Whether it has partitions, finishes its batches, and heard of the group's coordinator lately."""
        return self._assigned and max(self.wedged_for(), time.monotonic() - self._answered_at) < READY_S

    async def replay(self, record: _Record, settle: Settle) -> tuple[str, str] | None:
        """Does what a dead letter of these topics asks for, however old it is; gives why it is dead still, if it is.

        Raises what an outage raises; a letter that nobody here wants is not settled.
        """
        batch = self._read([record], replayed=True)
        for one in batch.messages:
            try:
                await self._handle([one], settle)
            except OUTAGES:
                raise
            except Exception as error:
                with telemetry.concerning(one[1]):
                    logger.exception("replayed message failed")
                batch.dead.append((record, "failed", f"{type(error).__name__} when it was replayed"))
        if not batch.dead:
            return None
        _, reason, detail = batch.dead[0]
        await self._answer(record, detail)
        return reason, detail

    def reads(self, topic: str) -> bool:
        return any(topic == known.name for known in self._subscription.topics)

    def _alive(self) -> None:
        self._alive_at = time.monotonic()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _close(self, broker: KafkaBroker, subscriber: BatchSubscriber) -> None:
        """A member that stops on purpose leaves, so that others need not wait for its session to expire."""
        if self._stopping.is_set() and subscriber.consumer is not None and subscriber.consumer._coordinator is not None:
            subscriber.consumer._coordinator._group_instance_id = None  # static members the client only lets expire
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(broker.stop(), 10)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        self._answered_at = time.monotonic()
        while not self._stopping.is_set():
            try:
                records = await _next_records(consumer)
            except UNREADABLE:
                await self._step_over(consumer)
                continue
            self._alive()
            self._assigned = bool(consumer.assignment())
            self._lag.got(records)
            self._lag.measure(consumer)
            if records:
                await self._take(consumer, records)
            elif time.monotonic() - self._answered_at > ASK_EVERY_S:
                await self._ask(consumer)

    async def _ask(self, consumer: AIOKafkaConsumer) -> None:
        """Makes sure that an idle client still has its group: a client that lost it for good polls happily on."""
        place = next(iter(consumer.assignment()), None)
        if place is not None:
            async with asyncio.timeout(ANSWER_S):
                await consumer.committed(place)
            self._answered_at = time.monotonic()
        elif time.monotonic() - self._answered_at > JOIN_S:
            raise OutageError("the group gave no partitions")

    async def _step_over(self, consumer: AIOKafkaConsumer) -> None:
        """Finds the partition with the record that cannot be read, and goes on behind it.

        What the client had read of other partitions when it came upon that record, it has thrown away.
        """
        for place in consumer.assignment():
            await _go_back(consumer, place)
            try:
                records = await _next_records(consumer, place)
            except UNREADABLE:
                await self._read_up_to_unreadable(consumer, place)
            else:
                await self._take(consumer, records)

    async def _read_up_to_unreadable(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        while not self._stopping.is_set():
            async with asyncio.timeout(ANSWER_S):
                offset = await consumer.position(place)
            try:
                records = await _next_records(consumer, place, limit=1)
            except UNREADABLE:
                telemetry.DEAD_LETTERS.labels(place.topic, "unreadable").inc()
                await self._dead_letters.put_unreadable(place, offset)
                consumer.seek(place, offset + 1)
                await _commit_offsets(consumer, {place: offset + 1})
                return
            await self._take(consumer, records)

    async def _take(self, consumer: AIOKafkaConsumer, records: Sequence[_Record]) -> None:
        """A commit that fails is an outage for `run`: the client may be broken for good, what is done stays done."""
        batch = self._read(records)
        if await self._until_done(batch):
            await _commit(consumer, records)
            self._lag.took(records)
            self._alive()
            self._answered_at = time.monotonic()

    async def _until_done(self, batch: _Batch) -> bool:
        """Tries until it works; false when the consumer is stopped before that. A member of the group meanwhile."""
        pause = 0.2
        while not self._stopping.is_set():
            try:
                await self._process(batch)
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

    def _read(self, records: Sequence[_Record], *, replayed: bool = False) -> _Batch:
        batch = _Batch()
        for record in records:
            try:
                envelope = decode(record.headers, record.value)
                self._read_body(batch, record, envelope, replayed)
            except UndecodableError as error:
                batch.dead.append((record, "undecodable", str(error)))
            except ValidationError as error:
                batch.dead.append((record, "invalid", _where(error)))
            except Exception as error:  # a defect of ours must not stop the partition
                logger.exception("record could not be read", topic=record.topic, offset=record.offset)
                batch.dead.append((record, "undecodable", f"{type(error).__name__} when it was read"))
        return batch

    def _read_body(self, batch: _Batch, record: _Record, envelope: Envelope[bytes], replayed: bool) -> None:
        body = self._types.get(envelope.type)
        if body is None:
            telemetry.MESSAGES.labels(record.topic, "skipped").inc()
            return
        if not self._subscription.wanted(envelope):
            return
        if not self._subscription.deduplicate and not _is_uuid(envelope.id):
            raise UndecodableError("header ce_id: the id of a command is a UUID")
        message = envelope.with_data(body.model_validate_json(envelope.data))
        outside = self._inbox.outside(message, replayed=replayed) if self._subscription.deduplicate else None
        if outside:
            batch.dead.append((record, "outside_inbox", outside))
        else:
            batch.messages.append((record, message))

    async def _process(self, batch: _Batch) -> None:
        """Does what is left of the batch; may be called again after it raised."""
        await self._settle(batch)
        if not batch.singly:
            await self._process_together(batch)
        while batch.messages:
            await self._handle_alone(batch)
            await self._settle(batch)

    async def _process_together(self, batch: _Batch) -> None:
        try:
            await self._handle(batch.messages)
            batch.messages.clear()
        except OUTAGES as error:
            batch.singly = isinstance(error, TOO_MUCH_AT_ONCE)
            raise
        except Exception as error:
            batch.singly = True
            logger.warning("batch failed; its messages are tried one by one", error=type(error).__name__)

    async def _handle(self, read: Sequence[tuple[_Record, Envelope[Any]]], settle: Settle | None = None) -> None:
        if not read:
            return
        messages = [message for _, message in read]
        if self._subscription.prepare:
            await self._subscription.prepare(messages)
        async with self._database.transaction(*{message.tenant for message in messages}) as tx:
            if settle is not None and not await settle(tx):
                return
            new = await self._unseen(tx, messages, replayed=settle is not None)
            if new:
                await self._subscription.handle(new, tx)
        now, handled = utc_now(), {id(message) for message in new}
        for record, message in read:
            outcome = "handled" if id(message) in handled else "repeated"
            telemetry.MESSAGES.labels(record.topic, outcome).inc()
            age = telemetry.EVENT_AGE.labels(record.topic)
            telemetry.observe(age, (now - message.time).total_seconds(), message.traceparent)

    async def _unseen(
        self, tx: Connection, messages: Sequence[Envelope[Any]], *, replayed: bool
    ) -> Sequence[Envelope[Any]]:
        if not self._subscription.deduplicate:
            return messages
        return await (self._inbox.unseen_replayed if replayed else self._inbox.unseen)(tx, messages)

    async def _handle_alone(self, batch: _Batch) -> None:
        record, message = batch.messages[0]
        for attempt in range(1, ATTEMPTS_ALONE + 1):
            try:
                await self._handle([(record, message)])
                batch.messages.popleft()
                return
            except OUTAGES:
                raise
            except Exception as error:
                with telemetry.concerning(message):
                    logger.exception("message failed", attempt=attempt)
                reason = type(error).__name__
                self._alive()
                await self._pause(0.1 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        batch.messages.popleft()
        batch.dead.append((record, "failed", f"{reason} in {ATTEMPTS_ALONE} attempts"))

    async def _settle(self, batch: _Batch) -> None:
        """Dead letter first, answer second: killed in between, both happen again and change nothing."""
        while batch.dead:
            record, reason, detail = batch.dead[0]
            with telemetry.concerning(salvage(record.headers, record.value)):
                await self._dead_letters.put(record, reason, detail)
            telemetry.DEAD_LETTERS.labels(record.topic, reason).inc()
            batch.unanswered.append(batch.dead.popleft())
        while batch.unanswered:
            record, reason, detail = batch.unanswered[0]
            await self._dead_letters.keep(record, reason, detail)
            await self._answer(record, detail)
            batch.unanswered.popleft()

    async def _answer(self, record: _Record, detail: str) -> None:
        message = salvage(record.headers, record.value)
        if self._subscription.on_dead is None or message is None:
            return
        try:
            async with self._database.transaction(message.tenant) as tx:
                await self._subscription.on_dead(message, detail, tx)
        except OUTAGES:
            raise
        except Exception:
            with telemetry.concerning(message):
                logger.exception("a dead letter could not be answered")


def _started(subscriber: BatchSubscriber) -> AIOKafkaConsumer:
    if subscriber.consumer is None:
        raise RuntimeError("the consumer is not started")
    return subscriber.consumer


async def _next_records(consumer: AIOKafkaConsumer, *places: TopicPartition, limit: int = MAX_RECORDS) -> list[_Record]:
    async with asyncio.timeout(POLL_TIMEOUT_S):
        batches = await consumer.getmany(*places, timeout_ms=POLL_MS, max_records=limit)
    return list(chain.from_iterable(batches.values()))


async def _go_back(consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
    """To behind what is done: everything that was taken is committed."""
    async with asyncio.timeout(ANSWER_S):
        committed = await consumer.committed(place)
        if committed is None:
            await consumer.seek_to_beginning(place)
        else:
            consumer.seek(place, committed)


async def _commit(consumer: AIOKafkaConsumer, records: Sequence[_Record]) -> None:
    """Commits what this member still owns; the rest is left to the new owner, who sees it again."""
    await _commit_offsets(
        consumer, {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    )


async def _commit_offsets(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    owned = {place: offset for place, offset in offsets.items() if place in consumer.assignment()}
    if not owned:
        return
    try:
        async with asyncio.timeout(ANSWER_S):
            await consumer.commit(owned)
    except (CommitFailedError, IllegalStateError):
        logger.info("partitions moved to another replica before the commit; it will see these messages again")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _where(error: ValidationError) -> str:
    """Where a body is wrong, without its values."""
    return "; ".join(f"{where or 'value'}: {what}" for where, what in issues_of(error)[:5])
