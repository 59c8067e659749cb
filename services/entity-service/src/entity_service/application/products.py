"""Product rows of an item; its amount follows them unless it was given by hand."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.contexts import ProductContext
from contracts.kit.database import Connection
from contracts.messages.link_commands import OtherItem
from contracts.messages.product_commands import NewProduct
from contracts.taxes import product_row
from entity_service import store
from entity_service.application.items import Items
from entity_service.application.links import Links
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item
from entity_service.domain.products import chosen, renewed, sum_of
from entity_service.messages import Actor


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """How many rows it was about, and the item that they went to or were taken from."""

    count: int
    item: Item


class Products:
    """Writes product rows."""

    def __init__(self, items: Items, links: Links) -> None:
        self._items = items
        self._links = links

    async def put(self, tx: Connection, item: Item, rows: Sequence[NewProduct], actor: Actor) -> Item:
        """These in place of all rows of a locked item. Raises `InvalidError` when they do not fit together."""
        return await self._replace(tx, item, self._made(rows), actor)

    async def add(self, tx: Connection, item: Item, rows: Sequence[NewProduct], actor: Actor) -> Item:
        """More rows, after those that a locked item has."""
        return await self._append(tx, item, self._made(rows), actor)

    async def delete(self, tx: Connection, item: Item, ids: Collection[UUID] | None, actor: Actor) -> ChangedRows:
        """Those of these ids, or all."""
        gone, left = chosen(await self._of(tx, item), ids)
        return ChangedRows(len(gone), await self._replace(tx, item, left, actor) if gone else item)

    async def copy(
        self, tx: Connection, item: Item, wanted: OtherItem, ids: Collection[UUID] | None, actor: Actor
    ) -> ChangedRows:
        """To another item. Raises `NotFoundError` when there is none, `ConflictError` when a workflow has locked it."""
        other = await self._links.lock_one(tx, item, wanted, actor)
        rows, _ = chosen(await self._of(tx, item), ids)
        return ChangedRows(
            len(rows), await self._append(tx, other, renewed(rows, self._items.new_id), actor) if rows else other
        )

    async def move(
        self, tx: Connection, item: Item, wanted: OtherItem, ids: Collection[UUID] | None, actor: Actor
    ) -> ChangedRows:
        """To another item. Raises `NotFoundError` when there is none, `ConflictError` when a workflow has locked it."""
        other = await self._links.lock_one(tx, item, wanted, actor)
        moved, left = chosen(await self._of(tx, item), ids)
        if not moved:
            return ChangedRows(0, other)
        await self._replace(tx, item, left, actor)
        return ChangedRows(len(moved), await self._append(tx, other, moved, actor))

    def _made(self, rows: Sequence[NewProduct]) -> list[ProductContext]:
        return [product_row(row, self._items.new_id()) for row in rows]

    async def _of(self, tx: Connection, item: Item) -> list[ProductContext]:
        return await store.products.of_item(tx, item.tenant_id, item.id)

    async def _append(self, tx: Connection, item: Item, rows: Sequence[ProductContext], actor: Actor) -> Item:
        return await self._replace(tx, item, [*await self._of(tx, item), *rows], actor)

    async def _replace(self, tx: Connection, item: Item, rows: Sequence[ProductContext], actor: Actor) -> Item:
        if rows and (what := (await store.item_types.of_item(tx, item.tenant_id, item.kind)).lacks("products")):
            raise InvalidError(("rows", what))
        rounding = (await store.tenants.settings(tx, item.tenant_id)).tax_rounding
        total = sum_of(rows, rounding)
        await store.products.replace(tx, item.tenant_id, item.id, rows)
        amount = item.amount if item.amount_by_hand else total
        after = item.model_copy(update={"amount": amount, "tax_rounding": rounding})
        return await self._items.update(tx, item, after, actor, around=("products",))
