"""A rule that sets fields of another item."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.issues import Issue
from contracts.messages.entity_commands import FieldAssignment
from contracts.messages.link_commands import UpdateLinkedItems, Which
from rule_engine.domain.actions import ActionContext, AuthoringContext, Failure, Group, Outputs, RuleType
from rule_engine.rules.linked_items import NOT_SAID, OtherItemParams, kind_of, other_issues
from rule_engine.rules.update_item import Assignment, field_issues


class UpdateLinkedItemParams(OtherItemParams):
    which: Which = "first"
    """Of several linked items; the oldest is the first."""
    fields: Annotated[tuple[Assignment, ...], Field(min_length=1, max_length=100)]


class ChangedItems(Outputs):
    """Which items they were."""

    item_ids: tuple[UUID, ...]


class UpdateLinkedItem(RuleType[UpdateLinkedItemParams]):
    """New values for fields of another item, or of several linked ones. Refused when there are none."""

    type = "update_linked_item"
    title = "Change fields of another item"
    group: ClassVar[Group] = "items"
    params = UpdateLinkedItemParams
    outputs = ChangedItems

    def act(self, params: UpdateLinkedItemParams, acting: ActionContext) -> UpdateLinkedItems | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        assignments = tuple(FieldAssignment(**one.model_dump()) for one in params.fields)
        return acting.command(UpdateLinkedItems, **params.other(), which=params.which, assignments=assignments)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from other_issues(params)
        if (kind := kind_of(params, context)) is not None:
            yield from field_issues(params, context, kind)


RULES: tuple[RuleType[Any], ...] = (UpdateLinkedItem(),)
