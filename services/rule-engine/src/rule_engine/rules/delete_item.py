"""A rule that deletes the item."""

from typing import Any, ClassVar

from contracts.messages.link_commands import DeleteItem
from rule_engine.domain.actions import (
    ActionContext,
    Group,
    Params,
    RuleType,
)


class DeleteItemParams(Params):
    pass


class DeleteItemRule(RuleType[DeleteItemParams]):
    """Deletes the item with all that belongs to it. Refused when money was received for it."""

    type = "delete_item"
    title = "Delete the item"
    group: ClassVar[Group] = "items"
    params = DeleteItemParams

    def act(self, params: DeleteItemParams, acting: ActionContext) -> DeleteItem:
        return acting.command(DeleteItem)


RULES: tuple[RuleType[Any], ...] = (DeleteItemRule(),)
