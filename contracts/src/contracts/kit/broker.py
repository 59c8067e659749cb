"""Consumers that take batches and survive any bytes.

A batch is one database transaction and one offset commit. What can go wrong is told apart in one place:

- a record that cannot be read, is no message, or has a body its type does not allow → dead letter, byte for byte;
- a type nobody here knows → skipped and counted;
- a server of ours is away → the consumer waits and tries the same batch again, for as long as it takes;
- a batch fails otherwise → halved until the message is found that fails alone, which becomes a dead letter.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber
from pydantic import ValidationError

from contracts.envelope import Body, Envelope, UndecodableError, decode, decode_lenient
from contracts.issues import issues_of
from contracts.kit import telemetry
from contracts.kit.batch import Batch, Read
from contracts.kit.clock import utc_now
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.failures import in_words
from contracts.kit.inbox import Inbox, OutsideInboxError
from contracts.kit.kafka import (
    ANSWER_S,
    KafkaRecord,
    Member,
    commit,
    commit_offsets,
    go_back,
    make_broker,
    make_subscriber,
    next_records,
    started,
)
from contracts.kit.lag import Lag
from contracts.kit.raw_records import RECORD_ERRORS, fetch_batch
from contracts.topics import Topic

logger = structlog.get_logger(__name__)

SLOW_ALONE = 3
"""How often a message alone may take PostgreSQL longer than a statement may, while others are served."""
CONTRADICTIONS = 2
"""How often a message alone may contradict what is stored: once may be a race with a neighbour."""
ASK_EVERY_S = 20
"""A client that has not heard of its coordinator for so long asks it something."""
JOIN_S = 150
"""Longer than the slowest rebalance: a client without partitions for so long is replaced."""
READY_S = 60


class OutageError(Exception):
    """A handler found another service of ours, or Temporal, away: wait and try again, blame no message."""


OUTAGES = (*INFRASTRUCTURE_ERRORS, KafkaError, OutageError)
TOO_MUCH_AT_ONCE = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError)
"""Outages that a smaller transaction may get past."""


type Settle = Callable[[Connection], Awaitable[bool]]
"""Ends the replay of a dead letter in the transaction of its effect; says whether it was not ended before."""


class BatchHandler[P](Protocol):
    """Does everything that a batch of messages asks for, in the given transaction, with what was fetched before it."""

    async def __call__(self, messages: Sequence[Envelope[Any]], fetched: P, tx: Connection, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription[P = None]:
    """What a service consumes from some topics.

    `bodies` are the message classes it wants (others are passed over); `handle` gets those it has not seen before.
    `prefetch` runs before the transaction, for what needs the network; `handle` gets what it returns, without one null.
    It may run for messages that are not handled then. What it raises that is no outage, the messages are to blame for.
    `on_dead` is told of a message put aside, in a transaction (a command's owner answers it then).
    `deduplicate` is off only for commands, whose own rows do that.
    """

    topics: tuple[Topic, ...]
    bodies: tuple[type[Body], ...]
    handle: BatchHandler[P]
    prefetch: Callable[[Sequence[Envelope[Any]]], Awaitable[P]] | None = None
    on_dead: Callable[[Envelope[bytes], str, Connection], Awaitable[None]] | None = None
    wanted: Callable[[Envelope[Any]], bool] = lambda _: True
    deduplicate: bool = True


def each(routes: Mapping[type[Body], Callable[[Envelope[Any], Connection], Awaitable[None]]]) -> BatchHandler[None]:
    """A batch handler that hands each message to the method for its class, one after another."""

    async def handle(messages: Sequence[Envelope[Any]], _: None, tx: Connection) -> None:
        for message in messages:
            with telemetry.handling("handle", message):
                await routes[type(message.data)](message, tx)

    return handle


class Consumer:
    """One subscription of one member of a group."""

    def __init__(
        self,
        subscription: Subscription[Any],
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
                await self._poll(started(subscriber))
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

    async def replay(self, record: KafkaRecord, settle: Settle) -> tuple[str, str] | None:
        """Does what a dead letter of these topics asks for, however old it is; gives why it is dead still, if it is.

        Raises what an outage raises; a letter that nobody here wants is not settled.
        """
        batch = self._read([record], replayed=True)
        for group in batch.groups:
            try:
                await self._handle(group, settle)
            except asyncpg.QueryCanceledError as error:
                self._fail_again(batch, group, error)
            except OUTAGES:
                raise
            except Exception as error:
                self._fail_again(batch, group, error)
        if not batch.dead:
            return None
        _, reason, detail = batch.dead[0]
        await self._answer(record, detail)
        return reason, detail

    def _fail_again(self, batch: Batch, group: Sequence[Read], error: Exception) -> None:
        ((record, message),) = group
        with telemetry.concerning(message):
            logger.error("replayed message failed", exc_info=error)
        batch.dead.append((record, "failed", f"{in_words(error)} when it was replayed"))

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
                records = await next_records(consumer)
            except RECORD_ERRORS:
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
            await go_back(consumer, place)
            async with asyncio.timeout(ANSWER_S):
                if await consumer.position(place) == consumer.highwater(place):
                    continue
            try:
                records = await next_records(consumer, place)
            except RECORD_ERRORS:
                await go_back(consumer, place)
                while not self._stopping.is_set() and not await self._take_raw(consumer, place):
                    self._alive()
            else:
                await self._take(consumer, records)

    async def _take_raw(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
        """Does what can be read of the next record batch, and puts aside what cannot, with its bytes.

        Whether the client can go on by itself: behind what cannot be read, or at the end of the partition.
        """
        async with asyncio.timeout(ANSWER_S):
            offset = await consumer.position(place)
        contents = (await fetch_batch(consumer, place, offset)).read()
        for one in contents.unreadable:
            await self._dead_letters.put_unreadable(place, one.offset, one.value, one.detail)
            telemetry.DEAD_LETTERS.labels(place.topic, "unreadable").inc()
        if not await self._until_done(self._read(contents.records)):
            return False
        consumer.seek(place, contents.next_offset)
        await commit_offsets(consumer, {place: contents.next_offset})
        return bool(contents.unreadable) or contents.next_offset == offset

    async def _take(self, consumer: AIOKafkaConsumer, records: Sequence[KafkaRecord]) -> None:
        """A commit that fails is an outage for `run`: the client may be broken for good, what is done stays done."""
        batch = self._read(records)
        if await self._until_done(batch):
            await commit(consumer, records)
            self._lag.took(records)
            self._alive()
            self._answered_at = time.monotonic()

    async def _until_done(self, batch: Batch) -> bool:
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

    def _read(self, records: Sequence[KafkaRecord], *, replayed: bool = False) -> Batch:
        batch, read = Batch(), list[Read]()
        for record in records:
            try:
                message = self._read_message(record, replayed)
                read += [] if message is None else [(record, message)]
            except UndecodableError as error:
                batch.dead.append((record, "undecodable", str(error)))
            except ValidationError as error:
                batch.dead.append((record, "invalid", _where(error)))
            except OutsideInboxError as error:
                batch.dead.append((record, "outside_inbox", str(error)))
            except Exception as error:  # a defect of ours must not stop the partition
                logger.exception("record could not be read", topic=record.topic, offset=record.offset)
                batch.dead.append((record, "undecodable", f"{in_words(error)} when it was read"))
        batch.groups.extend([read] if read else [])
        return batch

    def _read_message(self, record: KafkaRecord, replayed: bool) -> Envelope[Any] | None:
        """Null for a message that is nothing to this subscription."""
        envelope = decode(record.headers, record.value)
        body = self._types.get(envelope.type)
        if body is None:
            telemetry.MESSAGES.labels(record.topic, "skipped").inc()
            return None
        if not self._subscription.wanted(envelope):
            return None
        if not self._subscription.deduplicate and not _is_uuid(envelope.id):
            raise UndecodableError("header ce_id: the id of a command is a UUID")
        message = envelope.with_data(body.model_validate_json(envelope.data))
        if self._subscription.deduplicate:
            self._inbox.check(message, replayed=replayed)
        return message

    async def _process(self, batch: Batch) -> None:
        """Does what is left of the batch; may be called again after it raised."""
        await self._settle(batch)
        while batch.groups:
            await self._process_group(batch)
            self._alive()
            await self._settle(batch)

    async def _process_group(self, batch: Batch) -> None:
        alone = len(batch.groups[0]) == 1
        try:
            await self._handle(batch.groups[0])
            batch.groups.popleft()
        except TOO_MUCH_AT_ONCE as error:
            if not alone:
                batch.split()
            elif isinstance(error, asyncpg.QueryCanceledError):
                await self._database.ping()  # raises when it is an outage after all
                self._blame(batch, error, patience=SLOW_ALONE)
            else:
                raise
        except OUTAGES:
            raise
        except Exception as error:
            if not alone:
                logger.warning("batch failed; its halves are tried", error=type(error).__name__)
                batch.halve()
            else:
                race = isinstance(error, asyncpg.IntegrityConstraintViolationError)
                self._blame(batch, error, patience=CONTRADICTIONS if race else 1)

    def _blame(self, batch: Batch, error: Exception, *, patience: int) -> None:
        """The first message failed alone: once more, when the others are done, or never again."""
        attempt = batch.fail()
        with telemetry.concerning(batch.groups[0][0][1]):
            logger.error("message failed", attempt=attempt, exc_info=error)
        if attempt < patience:
            batch.put_off()
        else:
            batch.bury(in_words(error))

    async def _handle(self, read: Sequence[Read], settle: Settle | None = None) -> None:
        messages = [message for _, message in read]
        prefetch = self._subscription.prefetch
        fetched = None if prefetch is None else await prefetch(messages)
        async with self._database.transaction(*{message.tenant for message in messages}) as tx:
            if settle is not None and not await settle(tx):
                return
            new = await self._unseen(tx, messages, replayed=settle is not None)
            if new:
                await self._subscription.handle(new, fetched, tx)
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

    async def _settle(self, batch: Batch) -> None:
        """Dead letter first, answer second: killed in between, both happen again and change nothing."""
        while batch.dead:
            record, reason, detail = batch.dead[0]
            with telemetry.concerning(decode_lenient(record.headers, record.value)):
                await self._dead_letters.put(record, reason, detail)
            telemetry.DEAD_LETTERS.labels(record.topic, reason).inc()
            batch.unanswered.append(batch.dead.popleft())
        while batch.unanswered:
            record, reason, detail = batch.unanswered[0]
            await self._dead_letters.keep(record, reason, detail)
            await self._answer(record, detail)
            batch.unanswered.popleft()

    async def _answer(self, record: KafkaRecord, detail: str) -> None:
        message = decode_lenient(record.headers, record.value)
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


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _where(error: ValidationError) -> str:
    """Where a body is wrong, without its values."""
    return "; ".join(f"{where or 'value'}: {what}" for where, what in issues_of(error)[:5])
