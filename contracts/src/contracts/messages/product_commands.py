"""The commands of entity-service about the product rows of items, on `crm.entity.commands.v1`."""

from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from contracts.messages.entity_commands import ItemCommand
from contracts.messages.link_commands import OtherItem
from contracts.texts import ONE_LINE, Title
from contracts.values import MAX_NUMBER, Fields, Money

MAX_ROWS = 500
"""Product rows of one item."""


def _is_price(money: Money) -> Money:
    if not 0 <= money.amount <= MAX_NUMBER:
        raise ValueError(f"is at least 0 and at most {MAX_NUMBER} minor units")
    return money


Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
Quantity = Annotated[Decimal, Field(gt=0, le=1_000_000_000, max_digits=16, decimal_places=6)]


class ProductFields(Fields):
    """What people, rules and the record say of a product row."""

    name: Title
    quantity: Quantity = Decimal(1)
    unit: Annotated[str, StringConstraints(min_length=1, max_length=50), ONE_LINE] = "pcs"
    discount_percent: Percent = Decimal(0)
    tax_percent: Percent = Decimal(0)
    tax_included: bool = False
    """Whether the price has the tax in it; otherwise the tax comes on top."""


class NewProduct(ProductFields):
    """A row to be added."""

    price: Annotated[Money, AfterValidator(_is_price)]
    """Of one unit, before discount."""


class AddProducts(ItemCommand):
    """Adds product rows to an item, behind those that it has. Outputs: `count`, `amount` (the item's now, or null)."""

    TYPE: ClassVar[str] = "crm.product.add.v1"

    rows: Annotated[tuple[NewProduct, ...], Field(min_length=1, max_length=MAX_ROWS)]


Rows = Annotated[tuple[UUID, ...], Field(max_length=MAX_ROWS)]
"""Ids of product rows; those that are gone meanwhile are passed over."""


class DeleteProducts(ItemCommand):
    """Deletes product rows of an item. Outputs: `count`, `amount` (the item's now, or null)."""

    TYPE: ClassVar[str] = "crm.product.delete.v1"

    row_ids: Rows | None = None
    """Null: all."""


class CopyProducts(OtherItem, ItemCommand):
    """Copies product rows to another item, behind those that it has.

    Outputs: `count`, `item_id` and `amount` of the other item (null: none).
    """

    TYPE: ClassVar[str] = "crm.product.copy.v1"

    row_ids: Rows | None = None
    """Null: all."""


class MoveProducts(OtherItem, ItemCommand):
    """Moves product rows to another item, behind those that it has. Outputs as of `CopyProducts`."""

    TYPE: ClassVar[str] = "crm.product.move.v1"

    row_ids: Rows | None = None
    """Null: all."""
