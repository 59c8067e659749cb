"""Rules that link items, and take links away."""

from typing import Any, ClassVar
from uuid import UUID

from contracts.messages.link_commands import LinkItems, UnlinkItems
from rule_engine.domain.actions import ActionContext, Group, ItemTypeCode, Outputs, Params, RuleType


class LinkItemsParams(Params):
    item: UUID
    """Id of the item that it is linked with."""


class Linked(Outputs):
    """Whether they were not linked before."""

    linked: bool


class LinkItemsRule(RuleType[LinkItemsParams]):
    """Links the item with another one, so that each shows the other."""

    type = "link_items"
    title = "Link items"
    group: ClassVar[Group] = "items"
    params = LinkItemsParams
    outputs = Linked

    def act(self, params: LinkItemsParams, acting: ActionContext) -> LinkItems:
        return acting.command(LinkItems, other_id=params.item)


class UnlinkItemsParams(Params):
    item: UUID | None = None
    """Id of the item whose link is taken away; by default all that it was linked with by `link_items`."""
    kind: ItemTypeCode | None = None
    """Only links with items of this kind."""


class Unlinked(Outputs):
    """How many links were taken away."""

    unlinked: int


class UnlinkItemsRule(RuleType[UnlinkItemsParams]):
    """Takes away links with other items."""

    type = "unlink_items"
    title = "Unlink items"
    group: ClassVar[Group] = "items"
    params = UnlinkItemsParams
    outputs = Unlinked

    def act(self, params: UnlinkItemsParams, acting: ActionContext) -> UnlinkItems:
        return acting.command(UnlinkItems, other_id=params.item, other_kind=params.kind)


RULES: tuple[RuleType[Any], ...] = (
    LinkItemsRule(),
    UnlinkItemsRule(),
)
