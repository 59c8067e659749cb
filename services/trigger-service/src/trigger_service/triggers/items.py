"""Triggers of what is changed about an item, or done about it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from contracts.contexts import TenantSchema
from contracts.issues import unknown
from contracts.item_fields import PLAIN
from contracts.messages.entity_events import FieldsChanged, TaskChanged, TaskStatus
from trigger_service.triggers.base import EventTriggerType, Issues, NoSettings, Occurrence, TriggerSettings

GROUP = "Items"
COUNTED = ("activity_count", "products")
"""What changes with what belongs to an item."""


class FieldsSettings(TriggerSettings):
    """Which changes are meant."""

    fields: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Names of fields, as in `title`, `amount` or `fields.wood`: one of them has to change. Without names, any will
    do. What it was and has become, the condition tests, as in `change.old.fields.wood` and `change.new.fields.wood`."""


class FieldChanged(EventTriggerType[FieldsSettings, FieldsChanged]):
    """Facts: `changed` (names of fields), `old` and `new` (their values, written as in `item`), and `changed_by`."""

    name = "field_changed"
    title = "Field changed"
    group = GROUP
    description = "a field of the item gets another value, or its products or the number of its activities change"
    context_name = "change"
    settings = FieldsSettings
    body = FieldsChanged

    def occurrence(self, data: FieldsChanged) -> Occurrence:
        present = data.item.model_dump(mode="json")
        flat = {**present, **{f"fields.{code}": value for code, value in data.item.fields.items()}}
        new = {name: flat.get(name) for name in data.changed if name != "products"}
        facts = {"changed": list(data.changed), "old": _nested(data.previous), "new": _nested(new)}
        return Occurrence(type=self.name, items=(data.item.id,), facts=facts | {"changed_by": data.changed_by})

    def mismatch(self, settings: FieldsSettings, facts: Mapping[str, Any]) -> str | None:
        if not settings.fields or set(settings.fields) & set(facts["changed"]):
            return None
        return f"{_listed(facts['changed'])} changed, the trigger waits for {_listed(settings.fields)}"

    def issues(self, settings: FieldsSettings, pipeline: str, schema: TenantSchema) -> Issues:
        kind = next((one.kind for one in schema.pipelines if one.code == pipeline), None)
        known = {*PLAIN, *COUNTED, *(f"fields.{field.code}" for field in schema.fields if field.kind == kind)}
        for number, name in enumerate(settings.fields):
            if name not in known:
                yield f"fields[{number}]", unknown("field", name, known)


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`fields.wood` as `wood` in `fields`, where paths of conditions find it."""
    plain = {name: value for name, value in values.items() if not name.startswith("fields.")}
    custom = {name.removeprefix("fields."): value for name, value in values.items() if name not in plain}
    return {**plain, "fields": custom}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


class ResponsibleChanged(EventTriggerType[NoSettings, FieldsChanged]):
    """Facts: `old` and `new` (ids of employees; null for nobody) and `changed_by`."""

    name = "responsible_changed"
    title = "Responsible person changed"
    group = GROUP
    description = "somebody else, or nobody any more, is responsible for the item"
    context_name = "change"
    settings = NoSettings
    body = FieldsChanged

    def occurrence(self, data: FieldsChanged) -> Occurrence | None:
        if "responsible_id" not in data.changed:
            return None
        new = str(data.item.responsible_id) if data.item.responsible_id else None
        facts = {"old": data.previous.get("responsible_id"), "new": new, "changed_by": data.changed_by}
        return Occurrence(type=self.name, items=(data.item.id,), facts=facts)


class TaskSettings(TriggerSettings):
    """Which status is meant."""

    status: TaskStatus = "done"
    """The status that a task of the item has to reach."""


class TaskStatusReached(EventTriggerType[TaskSettings, TaskChanged]):
    """Facts: those of `TaskChanged`."""

    name = "task_status"
    title = "Task reaches a status"
    group = GROUP
    description = "a task on the item is begun, done, cancelled or opened; one that ends with its stage does not count"
    context_name = "task"
    settings = TaskSettings
    body = TaskChanged

    def occurrence(self, data: TaskChanged) -> Occurrence | None:
        if data.left_stage:
            return None
        return self.about(data, data.item_id)

    def mismatch(self, settings: TaskSettings, facts: Mapping[str, Any]) -> str | None:
        if settings.status == facts["status"]:
            return None
        return f"the task is {facts['status']}, the trigger waits for {settings.status}"
