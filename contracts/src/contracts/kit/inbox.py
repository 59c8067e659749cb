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


class Inbox:
    """Remembers messages for `days`."""

    def __init__(self, consumer: str, days: int, clock: Clock) -> None:
        self._consumer = consumer
        self._days = days
        self._clock = clock

    def outside(self, message: Envelope[Any]) -> str | None:
        """Why a message cannot be deduplicated any more (or yet), if so: it goes to the dead letters then."""
        today, day = self._clock().date(), message.time.date()
        if day < today - timedelta(days=self._days):
            return f"dated {day}: older than the {self._days} days that messages are remembered for"
        if day > today + timedelta(days=1):
            return f"dated {day}: in the future"
        return None

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


def _day(message: Envelope[Any]) -> date:
    return message.time.date()


async def keep_days(database: Database, days: int) -> None:
    """Makes the partitions of the coming days and drops those older than `days`."""
    async with database.delivery() as tx:
        await tx.execute("SELECT keep_inbox_days($1)", days + 1)
