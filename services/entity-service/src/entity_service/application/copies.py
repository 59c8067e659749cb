"""Items that come from other items."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_commands import CopyItem
from entity_service import store
from entity_service.application.handovers import Handovers
from entity_service.application.items import Items
from entity_service.domain.employees import Handover
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item, copy_of
from entity_service.domain.names import copy_name
from entity_service.domain.pipelines import find_place
from entity_service.domain.products import renewed
from entity_service.messages import Actor


class Copies:
    """Copies an item with everything it consists of."""

    def __init__(self, items: Items, handovers: Handovers) -> None:
        self._items = items
        self._handovers = handovers

    async def copy(self, tx: Connection, original: Item, wanted: CopyItem, actor: Actor) -> Item:
        """All field values, clients and product rows of a locked item, in a new one at its first entry.

        Raises `InvalidError` when the place or the responsible person does not exist.
        """
        pipelines = await store.pipelines.some(tx, original.tenant_id, [wanted.pipeline])
        place = find_place(pipelines, original.kind, wanted.pipeline, wanted.stage)
        responsible, handover = await self._responsible(tx, original, wanted)
        now = self._items.clock()
        title = wanted.title or await self._name(tx, original)
        copied = copy_of(original, place, title, responsible, id=self._items.new_id(), now=now)
        await self._items.add(tx, [copied], actor)
        await self._handovers.say(tx, copied, handover, f"the {copied.kind} {copied.title!r}", actor)
        rows = await store.products.of_item(tx, original.tenant_id, original.id)
        await store.products.replace(tx, copied.tenant_id, copied.id, renewed(rows, self._items.new_id))
        await store.links.add(tx, original.tenant_id, original.id, copied.id, "copy")
        return copied

    async def _name(self, tx: Connection, original: Item) -> str:
        settings = await store.tenants.settings(tx, original.tenant_id)
        return copy_name(original.title, settings.language)

    async def _responsible(
        self, tx: Connection, original: Item, wanted: CopyItem
    ) -> tuple[UUID | None, Handover | None]:
        id = wanted.responsible_id
        if id and not await store.references.existing_employees(tx, original.tenant_id, [id]):
            raise InvalidError(("responsible_id", "is no employee's id"))
        meant = id or original.responsible_id
        return await self._handovers.assignee(tx, original.tenant_id, meant, "responsible_id")
