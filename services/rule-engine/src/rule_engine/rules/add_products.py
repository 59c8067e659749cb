"""A rule that adds product rows to the item."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue

from contracts.item_types import ItemPart, TypeFilter
from contracts.messages.product_commands import MAX_ROWS, AddProducts, NewProduct
from contracts.texts import MAX_TITLE
from rule_engine.domain.actions import ActionContext, Group, Params, RuleType
from rule_engine.domain.language.limits import Cut
from rule_engine.rules.product_rows import WITH_PRODUCTS, ChangedRows


class Row(NewProduct, Params):
    """A product, its price and quantity, discount and tax in percent."""


class AddProductsParams(Params):
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MAX_ROWS)]


class AddProductsRule(RuleType[AddProductsParams]):
    """Adds product rows behind those of the item; its amount follows them unless somebody gave it by hand."""

    type = "add_products"
    title = "Add products"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = WITH_PRODUCTS
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("products",)
    params = AddProductsParams
    outputs = ChangedRows

    def act(self, params: AddProductsParams, acting: ActionContext) -> AddProducts:
        return acting.command(AddProducts, rows=tuple(NewProduct(**dict(row)) for row in params.rows))

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        rows = params.get("rows")
        for index in range(len(rows) if isinstance(rows, list) else 0):
            yield Cut(("rows", index, "name"), MAX_TITLE, one_line=True)


RULES: tuple[RuleType[Any], ...] = (AddProductsRule(),)
