"""Handles events that may fire triggers, and the results of this service's own commands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from contracts import topics
from contracts.asking import Found, Key
from contracts.catalogue import TOPIC_OF
from contracts.envelope import Envelope
from contracts.kit import telemetry
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection, Database
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from trigger_service.domain.evaluation import could_fire
from trigger_service.domain.triggers import Trigger
from trigger_service.gateways.entity import EntityService
from trigger_service.intake import Intake
from trigger_service.intake.events import Heard
from trigger_service.messages import SERVICE
from trigger_service.store import triggers
from trigger_service.triggers.registry import EVENT_TRIGGERS


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What a batch of events needs: the triggers that wait for them, by tenant and type, and what those look at."""

    triggers: Mapping[tuple[UUID, str], Sequence[Trigger]]
    linked: Mapping[Key, tuple[UUID, ...]] = field(default_factory=dict)
    contexts: Mapping[Key, Found] = field(default_factory=dict)


class Handlers:
    """Asks for triggers, and with them for items, once per batch, before its transaction; `intake` does the rest."""

    def __init__(self, intake: Intake, entity: EntityService, database: Database) -> None:
        self._intake = intake
        self._entity = entity
        self._database = database

    async def prefetch(self, messages: Sequence[Envelope[Any]]) -> Prefetched:
        """What of a tenant's triggers and items the events may concern: most tenants have no trigger for most events.

        Only what a trigger could fire on is asked for. While entity-service is away the batch waits.
        """
        found = Prefetched(await self._waiting_triggers(messages))
        fired = [
            (message.tenant, one.occurrence)
            for message in messages
            for one in _heard(message, found)
            if could_fire(one.triggers, one.occurrence)
        ]
        around = {(tenant, one.linked_with) for tenant, one in fired if one.linked_with}
        linked = await self._entity.linked(around) if around else {}
        asked = {(tenant, item) for tenant, one in fired for item in one.items}
        asked |= {(tenant, item) for (tenant, _), items in linked.items() for item in items}
        return replace(found, linked=linked, contexts=await self._entity.contexts(asked) if asked else {})

    async def _waiting_triggers(self, messages: Sequence[Envelope[Any]]) -> Mapping[tuple[UUID, str], list[Trigger]]:
        tenants = {message.tenant for message in messages}
        types = {kind.name for message in messages for kind in EVENT_TRIGGERS[type(message.data)]}
        async with self._database.transaction(*tenants) as tx:
            return await triggers.of_types(tx, tenants, types)

    async def on_events(self, messages: Sequence[Envelope[Any]], fetched: Prefetched, tx: Connection) -> None:
        for message in messages:
            with telemetry.handling("handle", message):
                heard = list(_heard(message, fetched))
                items = {item for one in heard for item in one.occurrence.items}
                contexts = {item: fetched.contexts.get((message.tenant, item)) for item in items}
                await self._intake.events.take(tx, message, heard, contexts)

    async def on_result(self, message: Envelope[Any], tx: Connection) -> None:
        await self._intake.results.settle(tx, message)


def _heard(message: Envelope[Any], fetched: Prefetched) -> Iterator[Heard]:
    """What the event is to each trigger type that the tenant has triggers of."""
    for kind in EVENT_TRIGGERS[type(message.data)]:
        waiting = fetched.triggers.get((message.tenant, kind.name))
        occurrence = kind.occurrence(message.data) if waiting else None
        if waiting and occurrence:
            if occurrence.linked_with:
                items = fetched.linked.get((message.tenant, occurrence.linked_with), ())
                occurrence = replace(occurrence, items=items)
            yield Heard(occurrence, waiting)


def events(handlers: Handlers) -> Subscription[Prefetched]:
    """Events of other services that a trigger type looks for, from the topics that they travel on."""
    return Subscription(
        topics=tuple(dict.fromkeys(TOPIC_OF[body] for body in EVENT_TRIGGERS)),
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
