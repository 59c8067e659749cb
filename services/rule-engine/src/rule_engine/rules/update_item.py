"""A rule that sets fields of the item."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue

from contracts.contexts import FieldSchema, TenantSchema
from contracts.issues import Issue, unknown
from contracts.item_fields import CLIENTS, PEOPLE, PLAIN, SEVERAL
from contracts.messages.entity_commands import FieldAssignment, UpdateItem
from contracts.texts import MAX_NAME, MAX_TITLE
from contracts.values import ItemKind, ItemSnapshot
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    Outputs,
    ParamPath,
    Params,
    RuleType,
)
from rule_engine.domain.language.limits import Cut
from rule_engine.domain.language.value_types import find
from rule_engine.rules.field_values import custom_check, pairs, plain_check, value_issues

_ON_ONE_LINE = {"title": MAX_TITLE, "source": MAX_NAME}
"""Characters that they have at most."""
_SHOWN = 20


class Assignment(Params):
    """A field of the item and its new value."""

    field: Annotated[str, Field(min_length=1, max_length=100)]
    """`title`, `amount`, `source`, …, or `fields.<code>` for a custom field."""
    value: JsonValue
    """A text, `{"path": …}`, `{"expr": …}`, or as the field keeps it; null empties the field."""
    append: bool = False
    """Adds to a field of several values instead of overwriting it."""


class UpdateItemParams(Params):
    fields: Annotated[tuple[Assignment, ...], Field(min_length=1, max_length=100)]
    changed_by: Employee | None = None
    """Code of the employee who is to be named as the one who did it; by default the rule."""


class UpdatedItem(Outputs):
    """The item's version after the change."""

    version: int


class UpdateItemRule(RuleType[UpdateItemParams]):
    """New values for fields of the item."""

    type = "update_item"
    title = "Change fields"
    group: ClassVar[Group] = "items"
    params = UpdateItemParams
    outputs = UpdatedItem

    def act(self, params: UpdateItemParams, acting: ActionContext) -> UpdateItem:
        assignments = tuple(FieldAssignment(**one.model_dump()) for one in params.fields)
        return acting.command(UpdateItem, assignments=assignments, actor=acting.actor_for(params.changed_by))

    def employees_in(
        self, params: Mapping[str, JsonValue], schema: TenantSchema, kind: ItemKind
    ) -> Iterable[ParamPath]:
        yield from super().employees_in(params, schema, kind)
        people = people_fields(schema, kind)
        yield from (("fields", index, "value") for index, name, _ in pairs(params) if name in people)

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        for index, name, _ in pairs(params):
            if name in _ON_ONE_LINE:
                yield Cut(("fields", index, "value"), _ON_ONE_LINE[name], one_line=True)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return field_issues(params, context, context.pipeline.kind)


def people_fields(schema: TenantSchema, kind: ItemKind) -> Collection[str]:
    """The fields of items of a kind that hold employees."""
    custom = (f"fields.{one.code}" for one in schema.fields if one.kind == kind and one.type == "user")
    return {*PEOPLE, *custom}


def field_issues(
    params: Mapping[str, JsonValue], context: AuthoringContext, kind: ItemKind, without: Collection[str] = ()
) -> Iterable[Issue]:
    """What is wrong with fields of items of a kind, and with how they are set; those `without` have parameters."""
    custom = {f"fields.{field.code}": field for field in context.schema.fields if field.kind == kind}
    known = [*(plain for plain in PLAIN if plain not in without), *custom]
    item, names = context.names(kind).fields["item"], context.names(context.pipeline.kind)
    item_type = context.schema.item_type(kind)
    without_clients = item_type.lacks("clients") if item_type else None
    for index, name, one in pairs(params):
        where, append = f"fields[{index}]", one.get("append") is True
        if name in CLIENTS and without_clients:
            yield Issue(f"{where}.field", without_clients)
        elif name in ItemSnapshot.model_fields and name not in PLAIN:
            yield Issue(f"{where}.field", f"{name} cannot be set: {', '.join(known[:_SHOWN])} can")
        elif name not in known:
            yield Issue(f"{where}.field", unknown("field", name, known))
        elif append and not _holds_several(name, custom):
            yield Issue(f"{where}.append", f"{name} holds one value: it cannot be appended to")
        else:
            shape = find(item, name, in_text=False)
            check = custom_check(name, custom[name]) if name in custom else plain_check(name)
            found = value_issues(name, one.get("value"), shape, names, check, append=append)
            yield from (Issue(f"{where}.value", what) for what in found)


def _holds_several(name: str, custom: Mapping[str, FieldSchema]) -> bool:
    return name in SEVERAL or (name in custom and custom[name].multiple)


RULES: tuple[RuleType[Any], ...] = (UpdateItemRule(),)
