"""A rule that gives the item a parent."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import JsonValue

from contracts.messages.link_commands import SetParentItem
from rule_engine.domain.actions import ActionContext, Group, Outputs, Params, RuleType


class SetParentItemParams(Params):
    item: UUID | None
    """Id of the parent; null: the item has none any more."""


class ParentItem(Outputs):
    """The parent."""

    parent: UUID | None


class SetParentItemRule(RuleType[SetParentItemParams]):
    """Makes another item the parent of this one. Refused when items would be their own ancestors."""

    type = "set_parent_item"
    title = "Set the parent item"
    group: ClassVar[Group] = "items"
    params = SetParentItemParams
    outputs = ParentItem

    def act(self, params: SetParentItemParams, acting: ActionContext) -> SetParentItem:
        return acting.command(SetParentItem, parent_id=params.item)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"parent": result["parent_id"]}


RULES: tuple[RuleType[Any], ...] = (SetParentItemRule(),)
