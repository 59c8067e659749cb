"""Rules about product rows."""

from typing import Any, ClassVar
from uuid import UUID

from contracts.contexts import Part
from contracts.item_types import ItemPart, TypeFilter
from contracts.taxes import totals
from contracts.values import Money
from rule_engine.domain.actions import ActionContext, Group, Outputs, Params, RuleType
from rule_engine.rules.product_rows import WITH_PRODUCTS


class GetProductsParams(Params):
    pass


class ProductRow(Outputs):
    """One product row; `price` of one unit, before discount, `total` with discount and tax."""

    id: UUID | None
    name: str
    quantity: float
    unit: str
    price: Money
    discount_percent: float
    tax_percent: float
    tax_included: bool
    net: Money
    total: Money


class FoundProducts(Outputs):
    """All rows, how many there are, and what they come to with tax; no total without rows, or in several currencies."""

    rows: tuple[ProductRow, ...]
    count: int
    total: Money | None


class GetProducts(RuleType[GetProductsParams]):
    """Reads all product rows as they are now, for the rules after it: what is changed later does not change them."""

    type = "get_products"
    title = "Read the products"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = WITH_PRODUCTS
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("products",)
    helper: ClassVar[bool] = True
    needs: ClassVar[tuple[Part, ...]] = ("products",)
    params = GetProductsParams
    outputs = FoundProducts

    def act(self, params: GetProductsParams, acting: ActionContext) -> FoundProducts:
        products = acting.context.products
        rows = tuple(ProductRow.model_validate(row) for row in acting.values["products"])
        sums = totals(products, acting.context.item.tax_rounding)
        total = Money(amount=sums[0].total, currency=sums[0].currency) if len(sums) == 1 else None
        return FoundProducts(rows=rows, count=len(rows), total=total)


RULES: tuple[RuleType[Any], ...] = (GetProducts(),)
