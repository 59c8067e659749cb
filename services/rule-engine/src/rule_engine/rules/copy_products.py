"""Rules that copy or move product rows to another item."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.product_commands import CopyProducts, MoveProducts
from rule_engine.domain.actions import ActionContext, AuthoringContext, Failure, Group, RuleType
from rule_engine.rules.linked_items import NOT_SAID, OtherItemParams, kind_of, other_issues
from rule_engine.rules.product_rows import ChangedRows, RowsParams, RowsRule


class RowsToOtherParams(OtherItemParams, RowsParams):
    pass


class RowsOfOther(ChangedRows):
    """The other item, how many rows it got, and what it comes to now."""

    item_id: UUID


def target_issues(params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    """That no item is named, or items of a type that has no rows."""
    yield from other_issues(params)
    type = context.schema.item_type(kind_of(params, context) or "")
    if type is not None and (what := type.lacks("products")):
        yield Issue("kind", what)


class CopyProductsRule(RowsRule[RowsToOtherParams]):
    """Copies product rows behind those of another item; of several linked ones the oldest. Refused without one."""

    type = "copy_products"
    title = "Copy products to another item"
    group: ClassVar[Group] = "items"
    params = RowsToOtherParams
    outputs = RowsOfOther

    def act(self, params: RowsToOtherParams, acting: ActionContext) -> CopyProducts | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        return acting.command(CopyProducts, **params.other(), row_ids=self.row_ids(params, acting))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return target_issues(params, context)


class MoveProductsRule(RowsRule[RowsToOtherParams]):
    """Moves product rows behind those of another item; of several linked ones the oldest. Refused without one."""

    type = "move_products"
    title = "Move products to another item"
    group: ClassVar[Group] = "items"
    params = RowsToOtherParams
    outputs = RowsOfOther

    def act(self, params: RowsToOtherParams, acting: ActionContext) -> MoveProducts | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        return acting.command(MoveProducts, **params.other(), row_ids=self.row_ids(params, acting))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return target_issues(params, context)


RULES: tuple[RuleType[Any], ...] = (CopyProductsRule(), MoveProductsRule())
