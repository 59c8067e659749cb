"""Handles events that may fire triggers, and the results of this service's own commands."""

from collections.abc import Sequence
from typing import Any

from contracts import topics
from contracts.asking import Found, Key
from contracts.envelope import Envelope
from contracts.kit import telemetry
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from trigger_service.gateways.entity import EntityService
from trigger_service.intake import Intake
from trigger_service.messages import SERVICE
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.registry import EVENT_TRIGGERS


class Handlers:
    """Reads items' contexts once per batch, before its transaction; `intake` does the rest."""

    def __init__(self, intake: Intake, entity: EntityService) -> None:
        self._intake = intake
        self._entity = entity

    async def prefetch(self, messages: Sequence[Envelope[Any]]) -> dict[Key, Found]:
        """The contexts of all items that triggers may move. While entity-service is away the batch waits."""
        asked = [
            (message.tenant, item)
            for message in messages
            for occurrence in _occurrences(message)
            for item in occurrence.items
        ]
        return await self._entity.contexts(asked) if asked else {}

    async def on_events(self, messages: Sequence[Envelope[Any]], contexts: dict[Key, Found], tx: Connection) -> None:
        for message in messages:
            with telemetry.handling("handle", message):
                for occurrence in _occurrences(message):
                    found = {item: contexts.get((message.tenant, item)) for item in occurrence.items}
                    present = {item: context for item, context in found.items() if context is not None}
                    await self._intake.events.take(tx, message, occurrence, present)

    async def on_result(self, message: Envelope[Any], tx: Connection) -> None:
        await self._intake.results.settle(tx, message)


def _occurrences(message: Envelope[Any]) -> list[Occurrence]:
    """What the event is to each trigger type that looks for it."""
    found = [kind.occurrence(message.data) for kind in EVENT_TRIGGERS[type(message.data)]]
    return [occurrence for occurrence in found if occurrence is not None]


def events(handlers: Handlers) -> Subscription[dict[Key, Found]]:
    """Events of other services that a trigger type looks for."""
    return Subscription(
        topics=(topics.ENTITY_EVENTS, topics.DOC_EVENTS),
        bodies=tuple(EVENT_TRIGGERS),
        handle=handlers.on_events,
        prefetch=handlers.prefetch,
    )


def results(handlers: Handlers) -> Subscription:
    """Results of this service's own commands."""
    bodies = (CommandDone, CommandRefused, CommandFailed)
    return Subscription(
        topics=(topics.ENTITY_RESULTS,),
        bodies=bodies,
        handle=each(dict.fromkeys(bodies, handlers.on_result)),
        wanted=lambda message: message.issuer == SERVICE,
    )
