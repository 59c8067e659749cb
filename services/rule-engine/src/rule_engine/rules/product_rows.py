"""What rules about product rows have in common: which rows they mean, and what they say of them."""

from typing import ClassVar
from uuid import UUID

from contracts.conditions import Condition
from contracts.contexts import Part
from contracts.item_types import ItemPart, TypeFilter
from contracts.values import Money
from rule_engine.domain.actions import ActionContext, Outputs, Params, RuleType

WITH_PRODUCTS: tuple[TypeFilter, ...] = ("deal", "quote", "invoice", "custom")


class RowsParams(Params):
    where: Condition | None = None
    """Only the rows that meet it; it names each of them `each`, such as `each.quantity`. By default all rows."""


class ChangedRows(Outputs):
    """How many rows it was about, and what the item comes to now, null when to nothing."""

    count: int
    amount: Money | None


class RowsRule[P: RowsParams](RuleType[P]):
    """A rule about all rows, or those that meet a condition."""

    kinds: ClassVar[tuple[TypeFilter, ...]] = WITH_PRODUCTS
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("products",)
    chooses_of: ClassVar[str | None] = "products"
    needs: ClassVar[tuple[Part, ...]] = ("products",)

    def row_ids(self, params: RowsParams, acting: ActionContext) -> tuple[UUID, ...] | None:
        """Null: all, also those that are added before the command is handled."""
        if params.where is None:
            return None
        rows = acting.context.products
        ids = (rows[at].id for at in acting.chosen(params.where, acting.values["products"]))
        return tuple(id for id in ids if id is not None)
