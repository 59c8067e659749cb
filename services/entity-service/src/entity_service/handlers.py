"""Obeys the commands of `crm.entity.commands.v1`: translates, decides, records."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any
from uuid import UUID

import structlog
from pydantic import JsonValue

from contracts import topics
from contracts.envelope import Body, Envelope
from contracts.kit.broker import Subscription, each
from contracts.kit.commands import CommandHandler
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from contracts.kit.quotas import refusal
from contracts.messages.comms import ConsentChanged
from contracts.messages.entity_commands import (
    AddTimelineEntry,
    CopyItem,
    CreateItem,
    CreateTask,
    MoveItem,
    RecordPayment,
    UpdateItem,
)
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from contracts.values import PersonInput
from entity_service import store
from entity_service.application import Changes
from entity_service.application.clients import Client
from entity_service.domain.errors import EntityError
from entity_service.domain.items import Item, ItemDraft
from entity_service.domain.loops import find_loop
from entity_service.domain.pipelines import choose
from entity_service.messages import SERVICE, Actor
from entity_service.quotas import ITEMS_PER_CAUSE, ITEMS_PER_HOUR

logger = structlog.get_logger(__name__)

LEFT = "the item has left the stage"


class Handlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def move_item(self, command: Envelope[MoveItem], tx: Connection) -> FinalResult:
        """Moves to the earliest allowed candidate and says what it came to; an item that is gone is no error."""
        data = command.data
        item = await store.items.lock(tx, command.tenant, data.item_id)
        if item is None:
            return _done(command, verdict="gone", stage=None, pipeline=None, reference=None, entry_seq=None)
        _expect_entry(item, data.expect_entry_seq)
        actor = Actor(by=data.changed_by, origin=data.origin, cause=command)
        if loop := find_loop(command.causepath):
            return await self._stop(tx, command, item, loop, actor)
        named = {candidate.pipeline or item.pipeline for candidate in data.candidates} | {item.pipeline}
        pipelines = await store.pipelines.some(tx, command.tenant, named)
        choice = choose(pipelines, item, data.candidates, data.forward_only)
        if choice.verdict == "moved":
            mover = replace(actor, by=choice.candidate.changed_by or actor.by)
            item = await self._changes.items.move(tx, item, choice.place, mover)
        return _done(
            command,
            verdict=choice.verdict,
            stage=item.stage,
            pipeline=item.pipeline,
            reference=choice.candidate.reference,
            entry_seq=item.entry_seq,
        )

    async def update_item(self, command: Envelope[UpdateItem], tx: Connection) -> FinalResult:
        """Sets fields; refuses when one of the values is not acceptable."""
        data = command.data
        item = await self._lock(tx, command, data.item_id, data.expect_entry_seq)
        actor = Actor(by=data.changed_by, origin="rule", cause=command)
        if loop := find_loop(command.causepath):
            return await self._stop(tx, command, item, loop, actor)
        item = await self._changes.handovers.assign(tx, item, data.assignments, actor)
        return _done(command, version=item.version)

    async def create_item(self, command: Envelope[CreateItem], tx: Connection) -> FinalResult:
        """Creates an item with its client, who is known again by phone number or e-mail address."""
        data = command.data
        actor = Actor(by=data.created_by, origin=data.origin, cause=command)
        linked = await self._linked(tx, command)
        if reason := await self._why_not(tx, command, by_rule=data.origin == "rule"):
            return await self._stop(tx, command, linked, reason, actor)
        client = await self._client(tx, command.tenant, data.person)
        item = await self._changes.handovers.create(tx, command.tenant, draft_of(data, client), actor)
        if client and client.news:
            await self._changes.items.note(tx, item, "history", client.news, actor)
        await self._count(tx, command, item, by_rule=data.origin == "rule")
        if linked is not None:
            await store.links.add(tx, command.tenant, linked.id, item.id, "follow_up")
        contact = client.id if client else next(iter(item.contact_ids), None)
        known = client is not None and client.known
        return _done(command, item_id=str(item.id), contact_id=str(contact) if contact else None, duplicate=known)

    async def _linked(self, tx: Connection, command: Envelope[CreateItem]) -> Item | None:
        if command.data.linked_item_id is None:
            return None
        return await self._lock(tx, command, command.data.linked_item_id, command.data.expect_entry_seq)

    async def _client(self, tx: Connection, tenant: UUID, person: PersonInput | None) -> Client | None:
        """Nobody without a name or an address."""
        if person is None or not any(person.model_dump().values()):
            return None
        return await self._changes.clients.find_or_create(tx, tenant, person)

    async def copy_item(self, command: Envelope[CopyItem], tx: Connection) -> FinalResult:
        """Copies an item into a stage of the same or another pipeline of its kind."""
        data = command.data
        original = await self._lock(tx, command, data.item_id, data.expect_entry_seq)
        actor = Actor(by=data.created_by, origin="rule", cause=command)
        if reason := await self._why_not(tx, command, by_rule=True):
            return await self._stop(tx, command, original, reason, actor)
        copied = await self._changes.copies.copy(tx, original, data, actor)
        await self._count(tx, command, copied, by_rule=True)
        return _done(command, item_id=str(copied.id))

    async def _why_not(self, tx: Connection, command: Envelope[Any], *, by_rule: bool) -> str | None:
        """Why automation may not make an item: it runs in a circle, or a quota is used up."""
        if loop := find_loop(command.causepath):
            return loop
        made = await store.automatic_items.of_root(tx, command.tenant, command.root_cause)
        if reason := await refusal(tx, command.tenant, ITEMS_PER_CAUSE, used=made):
            return reason
        return await refusal(tx, command.tenant, ITEMS_PER_HOUR) if by_rule else None

    async def _count(self, tx: Connection, command: Envelope[Any], item: Item, *, by_rule: bool) -> None:
        await store.automatic_items.add(tx, command.tenant, command.root_cause, item.id, by_rule=by_rule)

    async def create_task(self, command: Envelope[CreateTask], tx: Connection) -> FinalResult:
        data = command.data
        item = await self._lock(tx, command, data.item_id, data.expect_entry_seq)
        actor = Actor(by=data.created_by, origin="rule", cause=command)
        task = await self._changes.tasks.create(tx, item, data, actor)
        return _done(command, task_id=str(task.id))

    async def add_timeline_entry(self, command: Envelope[AddTimelineEntry], tx: Connection) -> FinalResult:
        data = command.data
        item = await self._lock(tx, command, data.item_id, data.expect_entry_seq)
        actor = Actor(by=data.author, origin="rule", cause=command)
        entry = await self._changes.items.note(tx, item, data.kind, data.text, actor)
        return _done(command, entry_id=str(entry.id))

    async def record_payment(self, command: Envelope[RecordPayment], tx: Connection) -> FinalResult:
        """Records what a provider reported; refuses when the money differs."""
        actor = Actor(by=command.issuer or SERVICE, origin="trigger", cause=command)
        payment, changed = await self._changes.payments.record(
            tx, command.tenant, command.data, actor, reported_at=command.time
        )
        return _done(command, status=payment.status, changed=changed)

    async def _lock(self, tx: Connection, command: Envelope[Any], id: UUID, entry_seq: int | None) -> Item:
        item = await self._changes.items.lock(tx, command.tenant, id)
        _expect_entry(item, entry_seq)
        return item

    async def _stop(
        self, tx: Connection, command: Envelope[Any], item: Item | None, reason: str, actor: Actor
    ) -> CommandRefused:
        """Refuses, as an answer and not as an error: the timeline is to keep why."""
        if item is not None:
            await self._changes.items.note(tx, item, "automation_stopped", reason, actor)
        return CommandRefused(command_id=command.command_id, reason=reason)


def _expect_entry(item: Item, entry_seq: int | None) -> None:
    if entry_seq is not None and item.entry_seq != entry_seq:
        raise RefusalError(LEFT)


def _done(command: Envelope[Any], **outputs: JsonValue) -> CommandDone:
    return CommandDone(command_id=command.command_id, outputs=outputs)


def draft_of(data: CreateItem, client: Client | None) -> ItemDraft:
    contacts = (*data.contact_ids, *((client.id,) if client and client.id not in data.contact_ids else ()))
    return ItemDraft(
        kind=data.kind,
        title=data.title,
        pipeline=data.pipeline,
        stage=data.stage,
        responsible_id=data.responsible_id,
        contact_ids=contacts,
        company_id=data.company_id,
        amount=data.amount,
        source=data.source,
        fields=data.fields,
    )


def routes(handlers: Handlers) -> Mapping[type[Body], CommandHandler]:
    """Which method handles which command; what the domain objects to becomes a refusal."""
    return {
        MoveItem: _refusing(handlers.move_item),
        UpdateItem: _refusing(handlers.update_item),
        CreateItem: _refusing(handlers.create_item),
        CopyItem: _refusing(handlers.copy_item),
        CreateTask: _refusing(handlers.create_task),
        AddTimelineEntry: _refusing(handlers.add_timeline_entry),
        RecordPayment: _refusing(handlers.record_payment),
    }


def _refusing(handle: Callable[[Envelope[Any], Connection], Awaitable[FinalResult]]) -> CommandHandler:
    @wraps(handle)
    async def refusing(command: Envelope[Any], tx: Connection) -> FinalResult:
        try:
            return await handle(command, tx)
        except EntityError as error:
            raise RefusalError(str(error)) from error

    return refusing


class ConsentMirror:
    """Copies what comms-service knows: versions go up, whatever order they come in."""

    async def on_consent_changed(self, message: Envelope[ConsentChanged], tx: Connection) -> None:
        changed = message.data
        if await store.consents.mirror(tx, message.tenant, changed) and not changed.opted_out:
            await store.consents.withdraw(tx, message.tenant, changed.address, changed.at)

    async def on_not_recorded(self, message: Envelope[CommandRefused | CommandFailed], _: Connection) -> None:
        """The contact shows what was said all the same, and messages to it carry that: people see to the rest."""
        logger.error("consent was not recorded", command_id=message.data.command_id, reason=message.data.reason)


def consent_results(mirror: ConsentMirror) -> Subscription:
    """What became of this service's own commands, where it is not what was asked for."""
    bodies = (CommandRefused, CommandFailed)
    return Subscription(
        topics=(topics.COMMS_RESULTS,),
        bodies=bodies,
        handle=each(dict.fromkeys(bodies, mirror.on_not_recorded)),
        wanted=lambda message: message.issuer == SERVICE,
    )


def consents(mirror: ConsentMirror) -> Subscription:
    return Subscription(
        topics=(topics.COMMS_EVENTS,),
        bodies=(ConsentChanged,),
        handle=each({ConsentChanged: mirror.on_consent_changed}),
    )
