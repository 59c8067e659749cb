"""Links between items: one came from the other, one is the other's parent, or they have to do with each other."""

from collections.abc import Collection, Mapping
from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import PipelineSchema
from contracts.field_values import as_uuid
from contracts.messages.link_commands import LinkName
from contracts.values import ItemKind, ItemSnapshot, Value
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item
from entity_service.domain.pipelines import find_stage

Relation = Literal["copy", "follow_up", "conversion", "invoice", "related", "child"]
LINKS: Mapping[LinkName, tuple[Relation, tuple[str, ...]]] = {
    "copy": ("copy", ("to", "from")),
    "follow_up": ("follow_up", ("to", "from")),
    "conversion": ("conversion", ("to", "from")),
    "invoice": ("invoice", ("to", "from")),
    "related": ("related", ("to", "from")),
    "parent": ("child", ("from",)),
    "child": ("child", ("to",)),
}
"""What is kept of each link, and in which direction."""


class Link(Value):
    """Another item that came from this one or is its child (`to`), or the other way round (`from`)."""

    relation: Relation
    direction: Literal["to", "from"]
    item_id: UUID
    kind: ItemKind
    title: str
    pipeline: str
    stage: str


def field_of(item: Item, name: str, custom: Collection[str]) -> JsonValue:
    """The value of a field; `custom` are the codes of the kind's own. Raises `InvalidError` for one it has not."""
    group, _, code = name.rpartition(".")
    if group == "fields" and code in custom:
        return item.fields.get(code)
    if name not in ItemSnapshot.model_fields or name == "fields":
        raise InvalidError((name, f"is no field of items of kind {item.kind}"))
    value: JsonValue = item.snapshot().model_dump(mode="json", include={name})[name]
    return value


REFERENCES = ("responsible_id", "observer_ids", "contact_ids", "company_id")
"""The fields of every item that refer to records by their ids."""


def named(values: Mapping[str, JsonValue], names: Mapping[UUID, str]) -> dict[str, JsonValue]:
    """Names in place of ids; an id of nobody any more stays."""

    def name_of(value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            return [name_of(one) for one in value]
        id = as_uuid(value)
        return names.get(id, value) if id else value

    return {field: name_of(value) for field, value in values.items()}


def placed(item: Item, pipeline: PipelineSchema | None, asked: Collection[str]) -> dict[str, JsonValue]:
    """The names of its pipeline and stage, as far as they are asked for."""
    stage = find_stage(pipeline, item.stage) if pipeline else None
    found = {"pipeline": pipeline.name if pipeline else None, "stage": stage.name if stage else None}
    return {name: value for name, value in found.items() if name in asked and value is not None}
