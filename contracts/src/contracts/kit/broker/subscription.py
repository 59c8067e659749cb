"""What a service consumes, and what handles it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.envelope import Body, Envelope
from contracts.kit import telemetry
from contracts.kit.database import Connection
from contracts.topics import Topic


class BatchHandler[P](Protocol):
    """Handles a batch of messages in the given transaction, with what was prefetched."""

    async def __call__(self, messages: Sequence[Envelope[Any]], fetched: P, tx: Connection, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription[P = None]:
    """What a service consumes from some topics.

    `bodies` are the message classes it wants; others are passed over. `handle` gets the messages that are new.
    `prefetch` asks other services for data before the transaction, maybe for messages that turn out not to be new;
    `handle` gets what it returns, null without a `prefetch`. An error that it raises counts against the messages,
    unless it is an outage. `on_dead` is called in a transaction for a message that was put aside: a command's owner
    answers it. `wanted` is false for messages to pass over. `deduplicate` is off only for commands, which have rows of
    their own.
    """

    topics: tuple[Topic, ...]
    bodies: tuple[type[Body], ...]
    handle: BatchHandler[P]
    prefetch: Callable[[Sequence[Envelope[Any]]], Awaitable[P]] | None = None
    on_dead: Callable[[Envelope[bytes], str, Connection], Awaitable[None]] | None = None
    wanted: Callable[[Envelope[Any]], bool] = lambda _: True
    deduplicate: bool = True

    def reads(self, topic: str) -> bool:
        return any(topic == known.name for known in self.topics)


def each(routes: Mapping[type[Body], Callable[[Envelope[Any], Connection], Awaitable[None]]]) -> BatchHandler[None]:
    """A batch handler that calls the method for a message's class, one message after another."""

    async def handle(messages: Sequence[Envelope[Any]], _: None, tx: Connection) -> None:
        for message in messages:
            with telemetry.handling("handle", message):
                await routes[type(message.data)](message, tx)

    return handle
