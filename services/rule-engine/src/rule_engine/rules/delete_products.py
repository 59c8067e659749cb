"""A rule that deletes product rows of the item."""

from typing import Any, ClassVar

from contracts.messages.product_commands import DeleteProducts
from rule_engine.domain.actions import ActionContext, Group, RuleType
from rule_engine.rules.product_rows import ChangedRows, RowsParams, RowsRule


class DeleteProductsRule(RowsRule[RowsParams]):
    """Deletes all product rows, or those that meet a condition; the item's amount follows."""

    type = "delete_products"
    title = "Delete products"
    group: ClassVar[Group] = "items"
    params = RowsParams
    outputs = ChangedRows

    def act(self, params: RowsParams, acting: ActionContext) -> DeleteProducts:
        return acting.command(DeleteProducts, row_ids=self.row_ids(params, acting))


RULES: tuple[RuleType[Any], ...] = (DeleteProductsRule(),)
