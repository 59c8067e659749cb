"""`/v1/items/{id}/products`: an item's product rows."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from contracts.contexts import ProductContext
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.service import Service
from contracts.messages.product_commands import MAX_ROWS, NewProduct, ProductFields
from contracts.values import MAX_NUMBER, Currency, Money
from entity_service import store
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.items import Item


class ProductInput(ProductFields, Input):
    """A product row; `price` of one unit in minor units, before discount."""

    price: Annotated[int, Field(ge=0, le=MAX_NUMBER)]

    def row(self, currency: str) -> NewProduct:
        return NewProduct(**dict(self) | {"price": Money(amount=self.price, currency=currency)})


class ProductRows(Input):
    """Product rows; `currency` by default that of the item's amount, else the tenant's."""

    rows: Annotated[tuple[ProductInput, ...], Field(max_length=MAX_ROWS)]
    currency: Currency | None = None


class Products(BaseModel):
    """The item's product rows, and its amount now: their sum unless the amount was given by hand."""

    rows: list[ProductContext]
    amount: Money | None


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1/items/{id}/products", tags=["products"])

    @routes.get("")
    async def get_products(id: UUID, caller: Caller = require(Role.VIEWER)) -> Products:
        """All rows: an item has at most 500."""
        async with service.database.transaction(caller.tenant) as tx:
            return await _products(tx, await find_item(tx, caller, id))

    @routes.put("")
    async def put_products(id: UUID, body: ProductRows, caller: Caller = require(Role.AGENT)) -> Products:
        """Replaces all rows. The item's amount becomes their sum unless it was given by hand."""
        async with service.database.transaction(caller.tenant) as tx:
            item = await changes.items.lock(tx, caller.tenant, id)
            rows = await _rows(tx, item, body)
            return await _products(tx, await changes.products.put(tx, item, rows, actor_of(caller)))

    @routes.post("", status_code=201, response_model=Products)
    async def append_products(
        request: Request, id: UUID, body: ProductRows, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Adds rows behind those that there are."""

        async def create(tx: Connection) -> Response:
            item = await changes.items.lock(tx, caller.tenant, id)
            rows = await _rows(tx, item, body)
            item = await changes.products.add(tx, item, rows, actor_of(caller))
            return created(await _products(tx, item))

        return await create_once(service, request, caller, create)

    return routes


async def _rows(tx: Connection, item: Item, body: ProductRows) -> Sequence[NewProduct]:
    own = item.amount.currency if item.amount else None
    currency = body.currency or own or (await store.tenants.settings(tx, item.tenant_id)).currency
    return [row.row(currency) for row in body.rows]


async def _products(tx: Connection, item: Item) -> Products:
    return Products(rows=await store.products.of_item(tx, item.tenant_id, item.id), amount=item.amount)
