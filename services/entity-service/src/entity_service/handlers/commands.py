"""Handles the commands of `crm.entity.commands.v1`: translates, decides, records."""

from dataclasses import replace
from uuid import UUID

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.envelope import Body, Cause
from contracts.kit.broker import Subscription
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.quotas import refusal
from contracts.loops import find_loop
from contracts.messages.entity_commands import (
    AddTimelineEntry,
    BookResource,
    CompleteActivities,
    CompleteTasks,
    CopyItem,
    CreateFollowUp,
    CreateItem,
    CreateTask,
    EntityCommand,
    LockItem,
    MoveCandidate,
    MoveItem,
    NewItem,
    PlanActivity,
    UnlockItem,
    UpdateItem,
)
from contracts.messages.link_commands import ConvertItem
from contracts.values import PersonInput
from entity_service import store
from entity_service.application import Changes
from entity_service.application.contacts import Client
from entity_service.application.locks import Locks, outputs_of
from entity_service.domain.errors import AutomationStoppedError
from entity_service.domain.items import Item
from entity_service.domain.locks import Lock
from entity_service.domain.pipelines import choose
from entity_service.domain.resources import span
from entity_service.handlers.clients import ClientHandlers
from entity_service.handlers.links import LinkHandlers
from entity_service.handlers.lists import ListHandlers
from entity_service.handlers.on_item import Action, ItemAction, Outputs, handlers_of, on, on_item
from entity_service.handlers.parties import PartyHandlers
from entity_service.handlers.people import PeopleHandlers
from entity_service.handlers.products import ProductHandlers
from entity_service.handlers.providers import ProviderHandlers
from entity_service.messages import Actor
from entity_service.quotas import ITEMS_PER_CAUSE, ITEMS_PER_HOUR

GONE = {"verdict": "gone", "stage": None, "pipeline": None, "reference": None, "entry_seq": None}


class Handlers:
    """One method per command; each is done when its transaction is, but for a lock that has to wait."""

    def __init__(self, changes: Changes, locks: Locks) -> None:
        self._changes = changes
        self._locks = locks

    @on_item(MoveItem, gone=GONE)
    async def move_item(self, action: ItemAction[MoveItem], tx: Connection) -> Outputs:
        """Moves to the earliest allowed candidate and says what became of it."""
        item, data = action.item, action.data
        named = {candidate.pipeline or item.pipeline for candidate in data.candidates} | {item.pipeline}
        pipelines = await store.pipelines.some(tx, action.tenant, named)
        choice = choose(pipelines, item, data.candidates, data.forward_only)
        if choice.verdict == "moved":
            item = await self._changes.items.move(tx, item, choice.place, _mover(action, choice.candidate))
        return {
            "verdict": choice.verdict,
            "stage": item.stage,
            "pipeline": item.pipeline,
            "reference": choice.candidate.reference,
            "entry_seq": item.entry_seq,
        }

    @on_item(UpdateItem)
    async def update_item(self, action: ItemAction[UpdateItem], tx: Connection) -> Outputs:
        """Sets fields; refuses when one of the values is not acceptable."""
        item = await self._changes.handovers.assign(tx, action.item, action.data.assignments, action.actor)
        return {"version": item.version}

    @on(CreateItem)
    async def create_item(self, action: Action[CreateItem], tx: Connection) -> Outputs:
        """Creates an item with its client, whom the phone number or e-mail address identifies."""
        await self._check_quotas(tx, action)
        client = await self._client(tx, action.tenant, action.data.person)
        item = await self._changes.handovers.create(tx, action.tenant, with_client(action.data, client), action.actor)
        if client and client.news:
            await self._changes.items.note(tx, item, "history", client.news, action.actor)
        await self._count(tx, action, item)
        contact = client.id if client else next(iter(item.contact_ids), None)
        known = client is not None and client.known
        return {"item_id": str(item.id), "contact_id": str(contact) if contact else None, "duplicate": known}

    async def _client(self, tx: Connection, tenant: UUID, person: PersonInput | None) -> Client | None:
        """Nobody without a name or an address. Raises `ConflictError` for somebody whose items are not wanted."""
        if person is None or not any(person.model_dump().values()):
            return None
        await self._changes.exceptions.check(tx, tenant, person)
        return await self._changes.contacts.find_or_create(tx, tenant, person)

    @on_item(CreateFollowUp)
    async def create_follow_up(self, action: ItemAction[CreateFollowUp], tx: Connection) -> Outputs:
        await self._check_quotas(tx, action)
        item = await self._changes.handovers.create(tx, action.tenant, action.data, action.actor)
        await self._count(tx, action, item)
        if action.data.linked:
            await store.links.add(tx, action.tenant, action.item.id, item.id, "follow_up")
        return {"item_id": str(item.id)}

    @on_item(CopyItem)
    async def copy_item(self, action: ItemAction[CopyItem], tx: Connection) -> Outputs:
        """Copies an item into a stage of the same or another pipeline of its kind."""
        await self._check_quotas(tx, action)
        copied = await self._changes.copies.copy(tx, action.item, action.data, action.actor)
        await self._count(tx, action, copied)
        return {"item_id": str(copied.id)}

    @on_item(ConvertItem)
    async def convert_item(self, action: ItemAction[ConvertItem], tx: Connection) -> Outputs:
        """Makes another item, or a client, of an item."""
        await self._check_quotas(tx, action)
        made = await self._changes.conversions.convert(tx, action.item, action.data, action.actor)
        if made.item:
            await self._count(tx, action, made.item)
        ids = {"item_id": made.item and made.item.id, "contact_id": made.contact_id, "company_id": made.company_id}
        return {**{name: str(id) if id else None for name, id in ids.items()}, "not_carried": list(made.not_carried)}

    async def _check_quotas[C: EntityCommand](self, tx: Connection, action: Action[C]) -> None:
        """Raises `AutomationStoppedError` when automation may make no further item."""
        made = await store.automatic_items.of_root(tx, action.tenant, action.command.root_cause)
        reason = await refusal(tx, action.tenant, ITEMS_PER_CAUSE, used=made)
        if reason is None and action.data.origin == "rule":
            reason = await refusal(tx, action.tenant, ITEMS_PER_HOUR)
        if reason is not None:
            raise AutomationStoppedError(reason)

    async def _count[C: EntityCommand](self, tx: Connection, action: Action[C], item: Item) -> None:
        by_rule = action.data.origin == "rule"
        await store.automatic_items.add(tx, action.tenant, action.command.root_cause, item.id, by_rule=by_rule)

    @on_item(CreateTask)
    async def create_task(self, action: ItemAction[CreateTask], tx: Connection) -> Outputs:
        task = await self._changes.tasks.create(tx, action.item, action.data, action.actor, stage=action.data.stage)
        return {"task_id": str(task.id)}

    @on_item(PlanActivity)
    async def plan_activity(self, action: ItemAction[PlanActivity], tx: Connection) -> Outputs:
        planned = await self._changes.planned.plan(tx, action.item, action.data, action.actor, stage=action.data.stage)
        return {"activity_id": str(planned.id)}

    @on_item(CompleteActivities)
    async def complete_activities(self, action: ItemAction[CompleteActivities], tx: Connection) -> Outputs:
        data = action.data
        completed = await self._changes.planned.complete(tx, action.item, data.kinds, data.author_id, action.actor)
        return {"completed": completed}

    @on_item(BookResource)
    async def book_resource(self, action: ItemAction[BookResource], tx: Connection) -> Outputs:
        data, item = action.data, action.item
        booking = await self._changes.bookings.book(
            tx,
            item,
            ("resource", data.resource),
            span(data.start, data.minutes),
            action.actor,
            employee=item.responsible_id,
            service=data.service,
        )
        return {"booking_id": str(booking.id)}

    @on_item(CompleteTasks)
    async def complete_tasks(self, action: ItemAction[CompleteTasks], tx: Connection) -> Outputs:
        return {"completed": await self._changes.tasks.complete_of_rules(tx, action.item, action.data, action.actor)}

    @on_item(AddTimelineEntry)
    async def add_timeline_entry(self, action: ItemAction[AddTimelineEntry], tx: Connection) -> Outputs:
        entry = await self._changes.items.note(tx, action.item, action.data.kind, action.data.text, action.actor)
        return {"entry_id": str(entry.id)}

    @on_item(LockItem, although_locked=True)
    async def lock_item(self, action: ItemAction[LockItem], tx: Connection) -> Outputs | None:
        data, id = action.data, action.command.command_id
        asked = Lock(id=id, item_id=data.item_id, run_id=data.run_id, workflow=data.workflow)
        held = await self._locks.ask(tx, action.tenant, asked)
        return None if held is None else outputs_of(held)

    @on_item(UnlockItem, gone={"unlocked": False}, although_locked=True)
    async def unlock_item(self, action: ItemAction[UnlockItem], tx: Connection) -> Outputs:
        """Whoever waits holds the item from now on."""
        return {"unlocked": await self._locks.free(tx, action.tenant, action.item.id, action.data.lock_id)}


def _mover(action: ItemAction[MoveItem], candidate: MoveCandidate) -> Actor:
    """As whom the item is moved, and because of what.

    Raises `AutomationStoppedError` when the candidate's trigger acts on the item a second time in a chain of causes.
    """
    cause = action.command
    if candidate.rule_id is not None:
        causes = (*cause.causepath, Cause(candidate.rule_id, str(action.item.id)))
        if loop := find_loop(causes):
            raise AutomationStoppedError(loop)
        cause = replace(cause, causepath=causes)
    return replace(action.actor, by=candidate.actor or action.actor.by, cause=cause)


def with_client(wanted: NewItem, client: Client | None) -> NewItem:
    """The item with its client behind the contacts that it has already."""
    if client is None or client.id in wanted.contact_ids:
        return wanted
    return wanted.model_copy(update={"contact_ids": (*wanted.contact_ids, client.id)})


_OF_NOUNS = (
    PeopleHandlers,
    LinkHandlers,
    ListHandlers,
    ProductHandlers,
    ClientHandlers,
    PartyHandlers,
    ProviderHandlers,
)


def routes(changes: Changes, locks: Locks) -> dict[type[Body], CommandHandler]:
    """The handler of each command."""
    owners = (Handlers(changes, locks), *(one(changes) for one in _OF_NOUNS))
    return {command: handler for one in owners for command, handler in handlers_of(one, changes.items).items()}


def subscription(commands: Commands, changes: Changes, locks: Locks) -> Subscription:
    """Each command of the topic goes to the method that is registered for it.

    What may still wait is what a provider is to be asked for, or a `LockItem`.
    """

    async def cancel(tenant: UUID, id: UUID, tx: Connection) -> bool:
        cancelled = await changes.provider_requests.cancel(tenant, id, tx)
        return await locks.cancel(tenant, id, tx) if cancelled is None else cancelled

    expected = MESSAGES[topics.ENTITY_COMMANDS]
    return commands.subscription(topics.ENTITY_COMMANDS, routes(changes, locks), expected=expected, cancel=cancel)
