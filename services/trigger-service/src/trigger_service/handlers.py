"""Takes in events that may set off triggers, and the results of this service's own commands."""

from collections.abc import Sequence
from typing import Any

from contracts import topics
from contracts.asking import Found, Key
from contracts.envelope import Envelope
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from trigger_service.desk import Desk
from trigger_service.gateways.entity import EntityService
from trigger_service.messages import SERVICE
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.registry import EVENT_TRIGGERS


class Handlers:
    """Reads items' contexts once per batch, before its transaction; the desk does the rest."""

    def __init__(self, desk: Desk, entity: EntityService) -> None:
        self._desk = desk
        self._entity = entity
        self._contexts: dict[Key, Found] = {}

    async def prepare(self, messages: Sequence[Envelope[Any]]) -> None:
        """Raises an outage when entity-service is away: the batch waits."""
        asked = [(m.tenant, item) for m in messages if (occurrence := _occurrence(m)) for item in occurrence.items]
        self._contexts = await self._entity.contexts(asked) if asked else {}

    async def on_event(self, message: Envelope[Any], tx: Connection) -> None:
        occurrence = _occurrence(message)
        if occurrence is None:
            return
        asked = {item: self._contexts.get((message.tenant, item)) for item in occurrence.items}
        contexts = {item: context for item, context in asked.items() if context is not None}
        await self._desk.take_event(tx, message, occurrence, contexts)

    async def on_result(self, message: Envelope[Any], tx: Connection) -> None:
        await self._desk.settle(tx, message)


def _occurrence(message: Envelope[Any]) -> Occurrence | None:
    return EVENT_TRIGGERS[type(message.data)].occurrence(message.data)


def events(handlers: Handlers) -> Subscription:
    """What other services tell, as far as a trigger type looks for it."""
    return Subscription(
        topics=(topics.ENTITY_EVENTS, topics.DOC_EVENTS),
        bodies=tuple(EVENT_TRIGGERS),
        handle=each(dict.fromkeys(EVENT_TRIGGERS, handlers.on_event)),
        prepare=handlers.prepare,
    )


def results(handlers: Handlers) -> Subscription:
    """What became of this service's own commands."""
    bodies = (CommandDone, CommandRefused, CommandFailed)
    return Subscription(
        topics=(topics.ENTITY_RESULTS,),
        bodies=bodies,
        handle=each(dict.fromkeys(bodies, handlers.on_result)),
        wanted=lambda message: message.issuer == SERVICE,
    )
