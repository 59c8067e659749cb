"""A rule that deletes another item."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.link_commands import DeleteLinkedItems, Which
from rule_engine.domain.actions import ActionContext, AuthoringContext, Failure, Group, RuleType
from rule_engine.rules.linked_items import NOT_SAID, OtherItemParams, other_issues
from rule_engine.rules.update_linked_item import ChangedItems


class DeleteLinkedItemParams(OtherItemParams):
    which: Which = "first"
    """Of several linked items; the oldest is the first."""


class DeleteLinkedItem(RuleType[DeleteLinkedItemParams]):
    """Deletes another item, or several linked ones. Refused when there are none, or when money was received."""

    type = "delete_linked_item"
    title = "Delete another item"
    group: ClassVar[Group] = "items"
    params = DeleteLinkedItemParams
    outputs = ChangedItems

    def act(self, params: DeleteLinkedItemParams, acting: ActionContext) -> DeleteLinkedItems | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        return acting.command(DeleteLinkedItems, **params.other(), which=params.which)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return other_issues(params)


RULES: tuple[RuleType[Any], ...] = (DeleteLinkedItem(),)
