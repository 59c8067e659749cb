"""A rule that makes another item."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.contexts import TenantSchema
from contracts.issues import Issue
from contracts.messages.entity_commands import CreateFollowUp
from contracts.values import Code, ItemKind
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    ItemTypeCode,
    Outputs,
    ParamPath,
    Params,
    Place,
    RuleType,
    Title,
    literal,
)
from rule_engine.rules.field_values import pairs
from rule_engine.rules.linked_items import kind_of
from rule_engine.rules.places import place_issues, place_of
from rule_engine.rules.update_item import field_issues, people_fields


class NewValue(Params):
    """A field of the new item and its value."""

    field: Annotated[str, Field(min_length=1, max_length=100)]
    """`amount`, `source`, `observer_ids`, …, or `fields.<code>` for a custom field of that kind."""
    value: JsonValue
    """A text, `{"path": …}`, `{"expr": …}`, or as the field keeps it."""


class CreateItemParams(Params):
    kind: ItemTypeCode
    name: Title
    responsible: Employee | None = None
    """Code of an employee; by default the item's responsible person."""
    pipeline: Code | None = None
    """By default the kind's first pipeline."""
    stage: Code | None = None
    """By default the pipeline's first stage."""
    fields: Annotated[tuple[NewValue, ...], Field(max_length=100)] = ()
    with_client: bool = True
    """Whether the item's contacts and company are those of the new one too."""
    link: bool = True
    """Whether the new item is linked with this one."""


class CreatedItem(Outputs):
    """The new item."""

    item_id: UUID


class CreateItemRule(RuleType[CreateItemParams]):
    """A new item of any kind."""

    type = "create_item"
    title = "Create an item"
    group: ClassVar[Group] = "items"
    params = CreateItemParams
    outputs = CreatedItem

    def act(self, params: CreateItemParams, acting: ActionContext) -> CreateFollowUp:
        item = acting.context.item
        client = {"contact_ids": item.contact_ids, "company_id": item.company_id} if params.with_client else {}
        plain = {one.field: one.value for one in params.fields if not one.field.startswith("fields.")}
        custom = {one.field.removeprefix("fields."): one.value for one in params.fields if one.field not in plain}
        return acting.command(
            CreateFollowUp,
            **{"responsible_id": params.responsible or item.responsible_id, **client, **plain},
            kind=params.kind,
            title=params.name,
            pipeline=params.pipeline,
            stage=params.stage,
            fields=custom,
            linked=params.link,
        )

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        kind = kind_of(params, context)
        if kind is None:
            return
        yield from place_issues(params, context, kind)
        yield from field_issues(params, context, kind, without=("title", "responsible_id"))

    def employees_in(
        self, params: Mapping[str, JsonValue], schema: TenantSchema, kind: ItemKind
    ) -> Iterable[ParamPath]:
        yield from super().employees_in(params, schema, kind)
        people = people_fields(schema, literal(params.get("kind")) or "")
        yield from (("fields", index, "value") for index, name, _ in pairs(params) if name in people)

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        kind = kind_of(params, context)
        return place_of(params, context, kind, None) if kind else None


RULES: tuple[RuleType[Any], ...] = (CreateItemRule(),)
