"""Creates, moves, changes and deletes items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.envelope import Body, Envelope
from contracts.kit import telemetry
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.messages.entity_commands import FieldAssignment, NewItem
from contracts.topics import ENTITY_EVENTS
from entity_service import messages, store
from entity_service.application.reminders import Reminders
from entity_service.domain.errors import ConflictError, InvalidError, NotFoundError
from entity_service.domain.items import (
    Item,
    Place,
    References,
    assign,
    changed_names,
    mentions_in,
    mentions_of,
    new_item,
)
from entity_service.domain.pipelines import find_place
from entity_service.domain.products import sum_of
from entity_service.domain.timeline import EntryKind, TimelineEntry
from entity_service.messages import Actor

MAX_ERRORS = 100


class Items:
    """Changes of items; also what the other changes build on."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId, reminders: Reminders) -> None:
        self._outbox = outbox
        self._reminders = reminders
        self.clock = clock
        self.new_id = new_id

    async def lock(self, tx: Connection, tenant: UUID, id: UUID) -> Item:
        """Raises `NotFoundError`."""
        item = await store.items.lock(tx, tenant, id)
        if item is None:
            raise NotFoundError(f"item {id}")
        telemetry.note(item_id=id)
        return item

    async def create(self, tx: Connection, tenant: UUID, wanted: NewItem, actor: Actor) -> Item:
        """Creates one item. Raises `InvalidError`."""
        references = await store.references.load(tx, tenant, mentions_of([wanted]))
        item = self._build(wanted, references)
        telemetry.note(item_id=item.id)
        await self.add(tx, [item], actor)
        return item

    async def create_all(self, tx: Connection, tenant: UUID, wanted: Sequence[NewItem], actor: Actor) -> list[Item]:
        """Creates all or nothing; `InvalidError` says for every row what is wrong (`items.3.title`)."""
        references = await store.references.load(tx, tenant, mentions_of(wanted))
        items, errors = list[Item](), list[tuple[str, str]]()
        for number, one in enumerate(wanted):
            try:
                items.append(self._build(one, references))
            except InvalidError as error:
                errors += [(f"items[{number}].{where}", what) for where, what in error.errors]
        if errors:
            raise InvalidError(*errors[:MAX_ERRORS])
        await self.add(tx, items, actor)
        return items

    def _build(self, wanted: NewItem, references: References) -> Item:
        place = find_place(references.pipelines, wanted.kind, wanted.pipeline, wanted.stage)
        return new_item(wanted, place, references, id=self.new_id(), now=self.clock())

    async def add(self, tx: Connection, items: Sequence[Item], actor: Actor) -> None:
        """Writes new items of one tenant, at least one, at their first entries."""
        await store.items.add(tx, items)
        entries = [
            self._entry(item, "created", f"{item.pipeline}/{item.stage}", actor, {"origin": actor.origin})
            for item in items
        ]
        await store.timeline.add(tx, items[0].tenant_id, entries)
        envelopes = [
            self._about(item, body, actor)
            for item in items
            for body in (messages.item_created(item, actor), messages.stage_changed(None, item, actor))
        ]
        await self._outbox.put(tx, ENTITY_EVENTS, *envelopes)

    async def move(self, tx: Connection, item: Item, place: Place, actor: Actor) -> Item:
        """Moves a locked item; to where it is already, nothing happens."""
        if place == item.place:
            return item
        now = self.clock()
        moved = item.changed(**place._asdict(), entry_seq=item.entry_seq + 1, updated_at=now)
        await store.items.save(tx, moved)
        completed = await store.tasks.complete_on_leave(tx, item, now)
        await self._complete_planned(tx, item, now, actor)
        await self.note(tx, moved, "stage_changed", _move_text(item, moved), actor, _move_data(item, moved))
        await self.publish(tx, moved, messages.stage_changed(item, moved, actor), actor)
        for task, previous in completed:
            await self.publish(tx, moved, messages.task_changed(task, previous, now, left_stage=True), actor)
        return moved

    async def _complete_planned(self, tx: Connection, item: Item, now: datetime, actor: Actor) -> None:
        """Rooms that were booked for what is completed are free again, and nobody is reminded of it."""
        completed = await store.planned_activities.complete_on_leave(tx, item, now)
        if completed:
            await store.resources.release(tx, item.tenant_id, [one.id for one in completed], now)
            await self._reminders.follow(tx, completed, actor)

    async def assign(self, tx: Connection, item: Item, assignments: Sequence[FieldAssignment], actor: Actor) -> Item:
        """Sets fields of a locked item. Raises `InvalidError` with everything that is wrong."""
        references = await store.references.load(tx, item.tenant_id, mentions_in(assignments, item))
        after = assign(item, assignments, references)
        if after.amount is None and item.amount is not None:
            rows = await store.products.of_item(tx, item.tenant_id, item.id)
            after = after.model_copy(update={"amount": sum_of(rows, item.tax_rounding)})
        return await self.update(tx, item, after, actor)

    async def update(
        self, tx: Connection, before: Item, after: Item, actor: Actor, *, around: tuple[str, ...] = ()
    ) -> Item:
        """Writes a locked item's new fields; `around` names what changed beside them. No change writes nothing."""
        changed = (*changed_names(before, after), *around)
        if not changed and before == after:
            return before
        after = after.changed(updated_at=self.clock())
        await store.items.save(tx, after)
        if changed:
            await self.note(tx, after, "fields_changed", ", ".join(changed), actor, {"changed": list(changed)})
            await self.publish(tx, after, messages.fields_changed(before, after, changed, actor), actor)
        return after

    async def delete(self, tx: Connection, item: Item, actor: Actor) -> None:
        """Deletes a locked item with all that belongs to it. Raises `ConflictError` when money was received for it."""
        if await store.payments.is_received_for(tx, item.tenant_id, item.id):
            raise ConflictError("the item has payments that are not pending: it stays as their record")
        await store.payments.delete_expected(tx, item.tenant_id, item.id)
        await store.items.delete(tx, item)
        await self.publish(tx, item, messages.item_deleted(item, actor, self.clock()), actor)

    async def note(  # noqa: PLR0913 - an entry's parts
        self,
        tx: Connection,
        item: Item,
        kind: EntryKind,
        text: str,
        actor: Actor,
        data: Mapping[str, JsonValue] | None = None,
    ) -> TimelineEntry:
        """Writes into a locked item's timeline."""
        entry = self._entry(item, kind, text, actor, data or {})
        await store.timeline.add(tx, item.tenant_id, [entry])
        return entry

    async def publish(self, tx: Connection, item: Item, body: Body, actor: Actor) -> None:
        """Publishes a fact about a locked item."""
        await self._outbox.put(tx, ENTITY_EVENTS, self._about(item, body, actor))

    def _entry(
        self, item: Item, kind: EntryKind, text: str, actor: Actor, data: Mapping[str, JsonValue]
    ) -> TimelineEntry:
        return TimelineEntry(
            id=self.new_id(), item_id=item.id, kind=kind, text=text, data=dict(data), author=actor.by, at=self.clock()
        )

    def _about(self, item: Item, body: Body, actor: Actor) -> Envelope[Body]:
        return messages.about(item, body, actor=actor, id=self.new_id(), at=self.clock())


def _move_text(before: Item, after: Item) -> str:
    return f"{before.pipeline}/{before.stage} → {after.pipeline}/{after.stage}"


def _move_data(before: Item, after: Item) -> dict[str, JsonValue]:
    return {
        "from_pipeline": before.pipeline,
        "from_stage": before.stage,
        "to_pipeline": after.pipeline,
        "to_stage": after.stage,
        "entry_seq": after.entry_seq,
    }
