"""Handles a batch of records: one database transaction for all, and one place that sorts out what can go wrong.

- A record that is no message, or has a body its type does not allow: a dead letter, byte for byte.
- A type that nobody here wants: skipped and counted.
- A server of ours is away: `advance` raises one of `OUTAGES`, and can be called again.
- The batch fails otherwise: it is halved until the message is found that fails alone, which becomes a dead letter.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import structlog
from aiokafka import TopicPartition

from contracts.decoding import decode_lenient
from contracts.envelope import Envelope
from contracts.kit import telemetry
from contracts.kit.broker.batch import Batch, Read
from contracts.kit.broker.outages import OUTAGES, TOO_MUCH_AT_ONCE
from contracts.kit.broker.raw_records import Unreadable
from contracts.kit.broker.reading import Reader
from contracts.kit.broker.subscription import Subscription
from contracts.kit.clock import utc_now
from contracts.kit.database import Connection, Database
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.failures import in_words
from contracts.kit.inbox import Inbox
from contracts.kit.kafka import KafkaRecord

logger = structlog.get_logger(__name__)

SLOW_ALONE = 3
"""How often a message alone may take PostgreSQL longer than a statement may, while others are served."""
CONTRADICTIONS = 2
"""How often a message alone may contradict what is stored: once may be a race with a neighbour."""

type Settle = Callable[[Connection], Awaitable[bool]]
"""Ends the replay of a dead letter in the transaction of its effect; says whether it was not ended before."""


class Processor:
    """Handles the records of one subscription."""

    def __init__(
        self, subscription: Subscription[Any], database: Database, inbox: Inbox, dead_letters: DeadLetters
    ) -> None:
        self.subscription = subscription
        self._dead_letters = dead_letters
        self._database = database
        self._inbox = inbox
        self._reader = Reader(subscription, inbox)

    def read(self, records: Sequence[KafkaRecord]) -> Batch:
        """A batch that `advance` handles step by step."""
        return self._reader.read(records)

    async def advance(self, batch: Batch) -> bool:
        """Takes the next step: puts aside what is dead, else handles the next group; false when nothing is left.

        Raises one of `OUTAGES` when a server is away, without losing anything: call it again.
        """
        if batch.dead or batch.unanswered:
            await self._put_aside_dead(batch)
        elif batch.groups:
            await self._process_group(batch)
        return bool(batch.dead or batch.unanswered or batch.groups)

    async def put_aside(self, place: TopicPartition, unreadable: Sequence[Unreadable]) -> None:
        """Records that the client cannot read, as the bytes that the broker has."""
        for one in unreadable:
            await self._dead_letters.put_unreadable(place, one.offset, one.value, one.detail)
            telemetry.DEAD_LETTERS.labels(place.topic, "unreadable").inc()

    async def replay(self, record: KafkaRecord, settle: Settle) -> tuple[str, str] | None:
        """Handles a dead letter once more, however old it is; returns reason and detail if it is still dead.

        Raises one of `OUTAGES` when a server is away. A letter that nobody here wants is not settled.
        """
        batch = self._reader.read([record], replayed=True)
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
                self._count_failure(batch, error, patience=SLOW_ALONE)
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
                self._count_failure(batch, error, patience=CONTRADICTIONS if race else 1)

    def _count_failure(self, batch: Batch, error: Exception, *, patience: int) -> None:
        """The first message failed alone: it is tried again after the others, at most `patience` times in all."""
        attempt = batch.fail()
        with telemetry.concerning(batch.groups[0][0][1]):
            logger.error("message failed", attempt=attempt, exc_info=error)
        if attempt < patience:
            batch.postpone()
        else:
            batch.give_up(in_words(error))

    async def _handle(self, read: Sequence[Read], settle: Settle | None = None) -> None:
        messages = [message for _, message in read]
        prefetch = self.subscription.prefetch
        fetched = None if prefetch is None else await prefetch(messages)
        async with self._database.transaction(*{message.tenant for message in messages}) as tx:
            if settle is not None and not await settle(tx):
                return
            new = await self._unseen(tx, messages, replayed=settle is not None)
            if new:
                await self.subscription.handle(new, fetched, tx)
        _count(read, new)

    async def _unseen(
        self, tx: Connection, messages: Sequence[Envelope[Any]], *, replayed: bool
    ) -> Sequence[Envelope[Any]]:
        if not self.subscription.deduplicate:
            return messages
        return await (self._inbox.unseen_replayed if replayed else self._inbox.unseen)(tx, messages)

    async def _put_aside_dead(self, batch: Batch) -> None:
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
        if self.subscription.on_dead is None or message is None:
            return
        try:
            async with self._database.transaction(message.tenant) as tx:
                await self.subscription.on_dead(message, detail, tx)
        except OUTAGES:
            raise
        except Exception:
            with telemetry.concerning(message):
                logger.exception("a dead letter could not be answered")


def _count(read: Sequence[Read], new: Sequence[Envelope[Any]]) -> None:
    now, handled = utc_now(), {id(message) for message in new}
    for record, message in read:
        outcome = "handled" if id(message) in handled else "repeated"
        telemetry.MESSAGES.labels(record.topic, outcome).inc()
        age = telemetry.EVENT_AGE.labels(record.topic)
        telemetry.observe(age, (now - message.time).total_seconds(), message.traceparent)
