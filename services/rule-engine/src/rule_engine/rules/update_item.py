"""A rule that sets fields of the item."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, JsonValue

from contracts.contexts import FieldSchema, TenantSchema
from contracts.issues import Issue, unknown
from contracts.messages.entity_commands import FieldAssignment, UpdateItem
from contracts.texts import MAX_NAME, MAX_TITLE
from contracts.values import ItemKind
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    Outputs,
    ParamPath,
    Params,
    RuleType,
    literal,
)
from rule_engine.domain.language.limits import Cut

PLAIN_FIELDS = ("title", "amount", "responsible_id", "observer_ids", "source", "company_id", "contact_ids")
"""The fields of every item that can be set; custom ones are `fields.<code>`."""
OF_CLIENTS = ("company_id", "contact_ids")
_ON_ONE_LINE = {"title": MAX_TITLE, "source": MAX_NAME}
"""Characters that they have at most."""


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

    def employees_in(self, params: Mapping[str, JsonValue], fields: Sequence[FieldSchema]) -> Iterable[ParamPath]:
        yield from super().employees_in(params, fields)
        people = {"responsible_id", "observer_ids", *(f"fields.{one.code}" for one in fields if one.type == "user")}
        yield from (("fields", index, "value") for index, name, _ in _assignments(params) if name in people)

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        for index, name, _ in _assignments(params):
            if name in _ON_ONE_LINE:
                yield Cut(("fields", index, "value"), _ON_ONE_LINE[name], one_line=True)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        for index, name, one in _assignments(params):
            for where, what in field_issues(name, one, context.schema, context.pipeline.kind):
                yield Issue(f"fields[{index}].{where}", what)


def _assignments(params: Mapping[str, JsonValue]) -> Iterator[tuple[int, str, Mapping[str, JsonValue]]]:
    """Those whose field is known before the rule acts."""
    written = params.get("fields")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        if isinstance(one, dict) and (name := literal(one.get("field"))) is not None:
            yield index, name, one


def field_issues(
    name: str, one: Mapping[str, JsonValue], schema: TenantSchema, kind: ItemKind, without: Collection[str] = ()
) -> Iterable[Issue]:
    """What is wrong with a field of items of a kind, and with how it is set; those `without` have parameters."""
    custom = {f"fields.{field.code}": field for field in schema.fields if field.kind == kind}
    known = [*(plain for plain in PLAIN_FIELDS if plain not in without), *custom]
    type = schema.item_type(kind)
    if name in OF_CLIENTS and type and (what := type.lacks("clients")):
        yield Issue("field", what)
    elif name not in known:
        yield Issue("field", unknown("field", name, known))
    elif one.get("append") is True and not _holds_several(name, custom):
        yield Issue("append", f"{name} holds one value: it cannot be appended to")


def _holds_several(name: str, custom: Mapping[str, FieldSchema]) -> bool:
    return name in ("observer_ids", "contact_ids") or (name in custom and custom[name].multiple)


RULES: tuple[RuleType[Any], ...] = (UpdateItemRule(),)
