"""Rules that read, change and delete other items than their own."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.issues import Issue, unknown
from contracts.messages.entity_commands import FieldAssignment
from contracts.messages.link_commands import DeleteLinkedItems, LinkName, ReadItem, UpdateLinkedItems, Which
from contracts.values import ItemKind, ItemSnapshot
from rule_engine.domain.actions import ActionContext, AuthoringContext, Class, Failure, Group, Outputs, Params, RuleType
from rule_engine.rules.items import Assignment

NOT_SAID = "say which item: its id in `item`, or how it is linked in `link`"


class OtherItemParams(Params):
    item: UUID | None = None
    """Id of the item, such as `{"path": "steps.create_item.item_id"}`."""
    link: LinkName | None = None
    """In place of an id: what the item is to this one."""
    kind: ItemKind | None = None
    """Only linked items of this kind."""

    def other(self) -> dict[str, Any]:
        """As the commands say it."""
        return {"other_id": self.item, "link": self.link, "other_kind": self.kind}


def other_issues(params: Mapping[str, JsonValue]) -> Iterable[Issue]:
    """That neither an id nor a link is given, or both."""
    if (params.get("item") is None) == (params.get("link") is None):
        yield Issue("item", NOT_SAID)


class GetItemDataParams(OtherItemParams):
    fields: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(min_length=1, max_length=100)]
    """`title`, `amount`, `stage`, …, or `fields.<code>` for a custom field. Each is an output: `title`, `<code>`."""


class ItemData(Outputs):
    """The item and the fields that were asked for."""

    model_config = ConfigDict(frozen=True, extra="allow")

    item_id: UUID


class GetItemData(RuleType[GetItemDataParams]):
    """Reads fields of another item for the rules after it; filters such as `money` print them."""

    type = "get_item_data"
    title = "Read another item"
    group: ClassVar[Group] = "items"
    helper: ClassVar[bool] = True
    params = GetItemDataParams
    outputs = ItemData

    def act(self, params: GetItemDataParams, acting: ActionContext) -> ReadItem | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        return acting.command(ReadItem, **params.other(), fields=params.fields)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        values: Any = result["values"]
        return {_output(name): value for name, value in values.items()} | {"item_id": result["item_id"]}

    def outputs_with(self, params: Mapping[str, JsonValue]) -> Class[Outputs]:
        named: dict[str, Any] = {name: (Any, None) for name in map(_output, _names(params)) if name.isidentifier()}
        return create_model("ItemData", __base__=Outputs, **{"item_id": (UUID, ...), **named})

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from other_issues(params)
        custom = {f"fields.{one.code}" for one in context.schema.fields}
        known = (*(name for name in ItemSnapshot.model_fields if name != "fields"), *sorted(custom))
        seen = set[str]()
        for index, name in enumerate(_names(params)):
            if name not in known:
                yield Issue(f"fields[{index}]", unknown("field", name, known))
            elif _output(name) in seen:
                yield Issue(f"fields[{index}]", f"another field is {_output(name)} too: give it a rule of its own")
            seen.add(_output(name))


def _names(params: Mapping[str, JsonValue]) -> list[str]:
    written = params.get("fields")
    return [one for one in written if isinstance(one, str)] if isinstance(written, list) else []


def _output(name: str) -> str:
    return name.rpartition(".")[2]


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
        return other_issues(params)


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


RULES: tuple[RuleType[Any], ...] = (GetItemData(), UpdateLinkedItem(), DeleteLinkedItem())
