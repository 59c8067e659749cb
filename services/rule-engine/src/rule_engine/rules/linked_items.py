"""How a rule says which other item it means."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.link_commands import LinkName
from contracts.values import ItemKind
from rule_engine.domain.actions import AuthoringContext, ItemTypeCode, Params, literal

NOT_SAID = "say which item: its id in `item`, or how it is linked in `link`"


class OtherItemParams(Params):
    item: UUID | None = None
    """Id of the item, such as `{"path": "steps.create_item.item_id"}`."""
    link: LinkName | None = None
    """In place of an id: what the item is to this one."""
    kind: ItemTypeCode | None = None
    """Only linked items of this kind."""

    def other(self) -> dict[str, Any]:
        """As the commands say it."""
        return {"other_id": self.item, "link": self.link, "other_kind": self.kind}


def kind_of(params: Mapping[str, JsonValue], context: AuthoringContext) -> ItemKind | None:
    """Null for one that is not known before the rule acts, or that there is not."""
    kind = literal(params.get("kind"))
    return kind if kind is not None and context.schema.item_type(kind) else None


def other_issues(params: Mapping[str, JsonValue]) -> Iterable[Issue]:
    """That neither an id nor a link is given, or both."""
    if (params.get("item") is None) == (params.get("link") is None):
        yield Issue("item", NOT_SAID)
