"""A rule that reads another item."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.budget import BudgetError, spending
from contracts.contexts import TenantSchema
from contracts.issues import Issue, unknown
from contracts.messages.link_commands import ReadItem
from contracts.values import ItemSnapshot
from rule_engine.domain.actions import ActionContext, AuthoringContext, Class, Failure, Group, Outputs, RuleType
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import inside
from rule_engine.domain.language.functions.printing import printable
from rule_engine.rules.linked_items import NOT_SAID, OtherItemParams, other_issues


class GetItemDataParams(OtherItemParams):
    fields: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(min_length=1, max_length=100)]
    """`title`, `amount`, `stage`, …, or `fields.<code>` for a custom field. Each is an output: `title`, `<code>`."""
    printable: bool = False
    """Whether each output is a text for people, in the tenant's language: `€1,234.50`, `Mar 2, 2026`, names."""


class ItemData(Outputs):
    """The item and the fields that were asked for."""

    model_config = ConfigDict(frozen=True, extra="allow")

    item_id: UUID


class GetItemData(RuleType[GetItemDataParams]):
    """Reads fields of another item for the rules after it; filters such as `money` print them, or `printable` does."""

    type = "get_item_data"
    title = "Read another item"
    group: ClassVar[Group] = "items"
    helper: ClassVar[bool] = True
    params = GetItemDataParams
    outputs = ItemData

    def act(self, params: GetItemDataParams, acting: ActionContext) -> ReadItem | Failure:
        if (params.item is None) == (params.link is None):
            return Failure(NOT_SAID)
        return acting.command(ReadItem, **params.other(), fields=params.fields, printable=params.printable)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        values, around = _mapping(result["values"]), _mapping(result.get("around"))
        if around:
            values = {name: _printed(value, around) for name, value in values.items()}
        return {_output(name): value for name, value in values.items()} | {"item_id": result["item_id"]}

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        type = str if params.get("printable") is True else Any
        named: dict[str, Any] = {name: (type, None) for name in map(_output, _names(params)) if name.isidentifier()}
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


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _printed(value: JsonValue, around: Mapping[str, JsonValue]) -> str:
    """What is too much to print for one decision stays out."""
    try:
        with spending(), inside(around):
            return printable(value)
    except (BudgetError, ValueFailureError) as error:
        return f"({error})"


def _names(params: Mapping[str, JsonValue]) -> list[str]:
    written = params.get("fields")
    return [one for one in written if isinstance(one, str)] if isinstance(written, list) else []


def _output(name: str) -> str:
    return name.rpartition(".")[2]


RULES: tuple[RuleType[Any], ...] = (GetItemData(),)
