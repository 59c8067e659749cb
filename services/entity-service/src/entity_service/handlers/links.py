"""Handles the commands about links, and about other items than the one that a rule runs on."""

from pydantic import JsonValue

from contracts.kit.database import Connection
from contracts.messages.link_commands import (
    DeleteItem,
    DeleteLinkedItems,
    LinkItems,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
)
from entity_service.application import Changes
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class LinkHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._items = changes.items
        self._links = changes.links

    @on_item(DeleteItem)
    async def delete_item(self, action: ItemAction[DeleteItem], tx: Connection) -> Outputs:
        """Refuses when money was received for the item."""
        await self._items.delete(tx, action.item, action.actor)
        return {}

    @on_item(ReadItem)
    async def read_item(self, action: ItemAction[ReadItem], tx: Connection) -> Outputs:
        item, values = await self._links.read(tx, action.item, action.data)
        found: dict[str, JsonValue] = {"item_id": str(item.id), "values": values}
        return found | {"around": await self._links.around(tx, item)} if action.data.printable else found

    @on_item(UpdateLinkedItems)
    async def update_linked_items(self, action: ItemAction[UpdateLinkedItems], tx: Connection) -> Outputs:
        ids = await self._links.update(tx, action.item, action.data, action.actor)
        return {"item_ids": [str(id) for id in ids]}

    @on_item(DeleteLinkedItems)
    async def delete_linked_items(self, action: ItemAction[DeleteLinkedItems], tx: Connection) -> Outputs:
        ids = await self._links.delete(tx, action.item, action.data, action.actor)
        return {"item_ids": [str(id) for id in ids]}

    @on_item(LinkItems)
    async def link_items(self, action: ItemAction[LinkItems], tx: Connection) -> Outputs:
        return {"linked": await self._links.link(tx, action.item, action.data.other_id, action.actor)}

    @on_item(UnlinkItems)
    async def unlink_items(self, action: ItemAction[UnlinkItems], tx: Connection) -> Outputs:
        return {"unlinked": await self._links.unlink(tx, action.item, action.data, action.actor)}

    @on_item(SetParentItem)
    async def set_parent_item(self, action: ItemAction[SetParentItem], tx: Connection) -> Outputs:
        await self._links.set_parent(tx, action.item, action.data, action.actor)
        parent = action.data.parent_id
        return {"parent_id": str(parent) if parent else None}
