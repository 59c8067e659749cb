"""Product rows of an item; its amount follows them unless it was given by hand."""

from collections.abc import Sequence

from contracts.contexts import ProductContext
from contracts.kit.database import Connection
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item
from entity_service.domain.products import sum_of
from entity_service.messages import Actor


class Products:
    """Writes product rows."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def replace(self, tx: Connection, item: Item, rows: Sequence[ProductContext], actor: Actor) -> Item:
        """All rows of a locked item.

        Raises `InvalidError` when their currencies differ, or when items of this type have none.
        """
        if rows and (what := (await store.item_types.of_item(tx, item.tenant_id, item.kind)).lacks("products")):
            raise InvalidError(("rows", what))
        rounding = (await store.tenants.settings(tx, item.tenant_id)).tax_rounding
        total = sum_of(rows, rounding)
        await store.products.replace(tx, item.tenant_id, item.id, rows)
        amount = item.amount if item.amount_by_hand else total
        after = item.model_copy(update={"amount": amount, "tax_rounding": rounding})
        return await self._items.update(tx, item, after, actor, around=("products",))

    async def append(self, tx: Connection, item: Item, rows: Sequence[ProductContext], actor: Actor) -> Item:
        """More rows, after those that a locked item has."""
        present = await store.products.of_item(tx, item.tenant_id, item.id)
        return await self.replace(tx, item, [*present, *rows], actor)
