"""Links between items, and what is done to an item because another one has a link with it."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from contracts.envelope import rfc3339
from contracts.kit.database import Connection
from contracts.links import MAX_LINKED
from contracts.messages.link_commands import (
    DeleteLinkedItems,
    OtherItem,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
    Which,
)
from entity_service import store
from entity_service.application.handovers import Handovers
from entity_service.application.items import Items
from entity_service.application.locks import check_unlocked
from entity_service.domain.errors import ConflictError, InvalidError, NotFoundError
from entity_service.domain.fields import mentioned_ids
from entity_service.domain.items import Item
from entity_service.domain.links import REFERENCES, field_of, named, placed
from entity_service.messages import Actor


class Links:
    """Changes links, and items that are linked."""

    def __init__(self, items: Items, handovers: Handovers) -> None:
        self._items = items
        self._handovers = handovers

    async def link(self, tx: Connection, item: Item, other: UUID, actor: Actor) -> bool:
        """Whether they were not linked yet. Raises `NotFoundError`, and `ConflictError` for the item itself."""
        if other == item.id:
            raise ConflictError("an item is not linked with itself")
        found = await self._find(tx, item, other)
        if not await store.links.link(tx, item.tenant_id, item.id, other):
            return False
        await self._items.note(tx, item, "history", f"linked with {found.title}", actor, {"item_id": str(other)})
        return True

    async def unlink(self, tx: Connection, item: Item, wanted: UnlinkItems, actor: Actor) -> int:
        """How many links were taken away."""
        gone = await store.links.unlink(tx, item.tenant_id, item.id, wanted.other_id, wanted.other_kind)
        for id, title in gone:
            await self._items.note(tx, item, "history", f"no longer linked with {title}", actor, {"item_id": str(id)})
        return len(gone)

    async def set_parent(self, tx: Connection, item: Item, wanted: SetParentItem, actor: Actor) -> None:
        """Raises `NotFoundError`, and `ConflictError` when items would be their own ancestors."""
        await store.links.lock_parents(tx, item.tenant_id)
        text, data = "has no parent any more", dict[str, JsonValue]()
        if wanted.parent_id is not None:
            parent = await self._find(tx, item, wanted.parent_id)
            above = await store.links.ancestors(tx, item.tenant_id, parent.id)
            if item.id in (parent.id, *above):
                raise ConflictError(f"{parent.title!r} is the item itself, or lies below it: it cannot be its parent")
            text, data = f"has the parent {parent.title}", {"item_id": str(parent.id)}
        if await store.links.set_parent(tx, item.tenant_id, item.id, wanted.parent_id):
            await self._items.note(tx, item, "history", text, actor, data)

    async def read(self, tx: Connection, item: Item, wanted: ReadItem) -> tuple[Item, dict[str, JsonValue]]:
        """The other item and its values by field. Raises `NotFoundError`, and `InvalidError` for unknown fields."""
        (id,) = await self._meant(tx, item, wanted, "first")
        found = await self._find(tx, item, id)
        fields = [schema for schema in await store.fields.in_use(tx, item.tenant_id) if schema.kind == found.kind]
        values = {name: field_of(found, name, {schema.code for schema in fields}) for name in wanted.fields}
        if not wanted.printable:
            return found, values
        people = {f"fields.{schema.code}" for schema in fields if schema.type == "user"}
        return found, await self._named(tx, found, values, people)

    async def _named(
        self, tx: Connection, item: Item, values: Mapping[str, JsonValue], people: Collection[str]
    ) -> dict[str, JsonValue]:
        """The values of an item with names of what they refer to."""
        referring = {name: value for name, value in values.items() if name in REFERENCES or name in people}
        names = await store.references.names(tx, item.tenant_id, set(mentioned_ids(referring)))
        pipeline = (await store.pipelines.some(tx, item.tenant_id, [item.pipeline])).get(item.pipeline)
        return {**values, **named(referring, names), **placed(item, pipeline, values)}

    async def around(self, tx: Connection, item: Item) -> dict[str, JsonValue]:
        """What texts about an item are written with, as authors name it."""
        settings = await store.tenants.settings(tx, item.tenant_id)
        written: dict[str, JsonValue] = settings.model_dump(mode="json", include={"language", "time_zone", "currency"})
        return {"tenant": written, "now": rfc3339(self._items.clock())}

    async def update(self, tx: Connection, item: Item, wanted: UpdateLinkedItems, actor: Actor) -> list[UUID]:
        """Raises `NotFoundError` when there are none, `InvalidError` or `ConflictError` when one cannot be changed."""
        others = await self._lock(tx, item, wanted, wanted.which, actor)
        for other in others:
            await self._handovers.assign(tx, other, wanted.assignments, actor)
        return [other.id for other in others]

    async def delete(self, tx: Connection, item: Item, wanted: DeleteLinkedItems, actor: Actor) -> list[UUID]:
        """Raises `NotFoundError` when there are none, `ConflictError` for one that is locked or has received money."""
        others = await self._lock(tx, item, wanted, wanted.which, actor)
        for other in others:
            await self._items.delete(tx, other, actor)
            await self._items.note(tx, item, "history", f"deleted {other.title}", actor, {"item_id": str(other.id)})
        return [other.id for other in others]

    async def lock_one(self, tx: Connection, item: Item, wanted: OtherItem, actor: Actor) -> Item:
        """The other item, to be changed; of several the first.

        Raises `NotFoundError` when there is none, and `ConflictError` when a workflow has locked it.
        """
        return (await self._lock(tx, item, wanted, "first", actor))[0]

    async def _lock(self, tx: Connection, item: Item, wanted: OtherItem, which: Which, actor: Actor) -> Sequence[Item]:
        ids = await self._meant(tx, item, wanted, which)
        locked = await store.items.lock_all(tx, item.tenant_id, ids)
        if not locked:
            raise NotFoundError(f"item {ids[0]}")
        others = [locked[id] for id in ids if id in locked]
        await check_unlocked(tx, others, actor, self._items.clock(), item)
        return others

    async def _meant(self, tx: Connection, item: Item, wanted: OtherItem, which: Which) -> Sequence[UUID]:
        """At least one. The item itself is none of them: the rule's own item has rules of its own."""
        if wanted.other_id is not None:
            if wanted.other_id == item.id:
                raise InvalidError(("other_id", "is the item itself"))
            return [wanted.other_id]
        assert wanted.link is not None  # noqa: S101 - one of them is given
        ids = await store.links.linked(tx, item.tenant_id, item.id, wanted.link, wanted.other_kind)
        if not ids:
            of_kind = f" of kind {wanted.other_kind}" if wanted.other_kind else ""
            raise NotFoundError(f"item{of_kind} that is linked with this one as {wanted.link}")
        if which == "all" and len(ids) > MAX_LINKED:
            raise ConflictError(f"more than {MAX_LINKED} items are linked so: fewer can be changed at once")
        return ids if which == "all" else [ids[0 if which == "first" else -1]]

    async def _find(self, tx: Connection, item: Item, id: UUID) -> Item:
        found = await store.items.find(tx, item.tenant_id, id)
        if found is None:
            raise NotFoundError(f"item {id}")
        return found
