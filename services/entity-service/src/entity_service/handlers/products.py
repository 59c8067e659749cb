"""Handles the commands about product rows."""

from collections.abc import Mapping

from pydantic import JsonValue

from contracts.kit.database import Connection
from contracts.messages.product_commands import AddProducts, CopyProducts, DeleteProducts, MoveProducts
from entity_service.application import Changes
from entity_service.domain.items import Item
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class ProductHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._products = changes.products

    @on_item(AddProducts)
    async def add_products(self, action: ItemAction[AddProducts], tx: Connection) -> Outputs:
        """Refuses rows that do not fit those that there are, such as those in another currency."""
        rows = action.data.rows
        return {"count": len(rows), **_amount(await self._products.add(tx, action.item, rows, action.actor))}

    @on_item(DeleteProducts)
    async def delete_products(self, action: ItemAction[DeleteProducts], tx: Connection) -> Outputs:
        changed = await self._products.delete(tx, action.item, action.data.row_ids, action.actor)
        return {"count": changed.count, **_amount(changed.item)}

    @on_item(CopyProducts)
    async def copy_products(self, action: ItemAction[CopyProducts], tx: Connection) -> Outputs:
        data = action.data
        changed = await self._products.copy(tx, action.item, data, data.row_ids, action.actor)
        return {"count": changed.count, "item_id": str(changed.item.id), **_amount(changed.item)}

    @on_item(MoveProducts)
    async def move_products(self, action: ItemAction[MoveProducts], tx: Connection) -> Outputs:
        data = action.data
        changed = await self._products.move(tx, action.item, data, data.row_ids, action.actor)
        return {"count": changed.count, "item_id": str(changed.item.id), **_amount(changed.item)}


def _amount(item: Item) -> Mapping[str, JsonValue]:
    return {"amount": item.amount.model_dump(mode="json") if item.amount else None}
