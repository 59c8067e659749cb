"""The inbox: which events and results a consumer has already taken in; commands have rows of their own.

Marked in the transaction of the effect. The key begins with the day of the message's own immutable time, so that a
partition per day still recognises a message that is redelivered after midnight.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from contracts.envelope import Body, Envelope
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.errors import KitError


class OutsideInboxError(KitError):
    """A message is dated outside of the days that are remembered; it goes to the dead letters."""


class Inbox:
    """Remembers messages for `days`."""

    def __init__(self, consumer: str, days: int, clock: Clock) -> None:
        self._consumer = consumer
        self._days = days
        self._clock = clock

    def check(self, message: Envelope[Any], *, replayed: bool = False) -> None:
        """Raises `OutsideInboxError` for a message that is too old to be deduplicated, or dated in the future.

        A replayed one is never too old: an operator has decided, and `unseen_replayed` remembers it for ever.
        """
        today, day = self._clock().date(), message.time.date()
        if self._is_past(message) and not replayed:
            raise OutsideInboxError(f"dated {day}: older than the {self._days} days that messages are remembered for")
        if day > today + timedelta(days=1):
            raise OutsideInboxError(f"dated {day}: in the future")

    def _is_past(self, message: Envelope[Any]) -> bool:
        return message.time.date() < self._clock().date() - timedelta(days=self._days)

    async def unseen[B: Body](self, tx: Connection, messages: Sequence[Envelope[B]]) -> list[Envelope[B]]:
        """Marks all `messages` as taken in and returns those that were not before, in order, each once."""
        rows = await tx.fetch(
            """INSERT INTO inbox (day, consumer, source, id)
               SELECT day, $1, source, id FROM unnest($2::date[], $3::text[], $4::text[]) AS m (day, source, id)
               ON CONFLICT DO NOTHING RETURNING source, id""",
            self._consumer,
            [_day(message) for message in messages],
            [message.source for message in messages],
            [message.id for message in messages],
        )
        new = {(row["source"], row["id"]) for row in rows}
        first: list[Envelope[B]] = []
        for message in messages:
            if (message.source, message.id) in new:
                new.discard((message.source, message.id))
                first.append(message)
        return first

    async def unseen_replayed[B: Body](self, tx: Connection, messages: Sequence[Envelope[B]]) -> list[Envelope[B]]:
        """The same for replayed messages of whatever age: each is replayed once, however often it died."""
        rows = await tx.fetch(
            """INSERT INTO remembered_messages (source, id) SELECT * FROM unnest($1::text[], $2::text[])
               ON CONFLICT DO NOTHING RETURNING source, id""",
            [message.source for message in messages],
            [message.id for message in messages],
        )
        new = {(row["source"], row["id"]) for row in rows}
        unseen = await self.unseen(tx, [message for message in messages if not self._is_past(message)])
        past = [message for message in messages if self._is_past(message)]
        return [message for message in [*past, *unseen] if (message.source, message.id) in new]


def _day(message: Envelope[Any]) -> date:
    return message.time.date()


async def keep_days(database: Database, days: int) -> None:
    """Makes the partitions of the coming days and drops those older than `days`.

    What is dropped stays known of messages that also lie among the dead letters: they may be replayed years later.
    """
    async with database.delivery() as tx:
        await tx.execute(
            """INSERT INTO remembered_messages SELECT i.source, i.id
               FROM dead_letters d JOIN inbox i ON i.source = d.source AND i.id = d.message_id
               WHERE d.state IN ('open', 'replaying') AND i.day < (now() AT TIME ZONE 'UTC')::date - $1::integer
               ON CONFLICT DO NOTHING""",
            days + 1,
        )
        await tx.execute("SELECT keep_inbox_days($1)", days + 1)
