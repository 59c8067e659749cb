"""What commands, and people, do to a simulated item: it enters a stage, its fields change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ValidationError

from contracts.contexts import (
    CompanyContext,
    ContactContext,
    EmployeeContext,
    ItemContext,
    PipelineContext,
    StageContext,
    TenantSchema,
)
from contracts.issues import issues_of
from contracts.messages.entity_commands import FieldAssignment
from contracts.values import ItemSnapshot

PLAIN = ("title", "amount", "responsible_id", "observer_ids", "source", "company_id", "contact_ids", "activity_count")


class MisfitValueError(Exception):
    """A field does not take a value; the text says which and why, for people."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The stages, employees and clients that items can come to have, by id or by pipeline and code."""

    stages: Mapping[tuple[str, str], StageContext]
    employees: Mapping[UUID, EmployeeContext]
    contacts: Mapping[UUID, ContactContext]
    companies: Mapping[UUID, CompanyContext]
    pipelines: Mapping[str, PipelineContext] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: TenantSchema, contexts: Iterable[ItemContext]) -> Self:
        """Those that the tenant has, and that items have. Of other employees only the names are known."""
        known = list(contexts)
        named = {
            one.id: EmployeeContext(id=one.id, name=one.name, first_name=one.name.split(" ")[0])
            for one in schema.employees
        }
        return cls(
            {(pipeline.code, stage.code): stage for pipeline in schema.pipelines for stage in pipeline.stages},
            named | {one.responsible.id: one.responsible for one in known if one.responsible},
            {contact.id: contact for one in known for contact in one.contacts},
            {one.company.id: one.company for one in known if one.company},
            {one.code: PipelineContext(code=one.code, name=one.name) for one in schema.pipelines},
        )


def entering(
    context: ItemContext, stage: StageContext, now: datetime, pipeline: PipelineContext | None = None
) -> ItemContext:
    """The item after it has moved to another stage; null: of its own pipeline."""
    item, pipeline = context.item, pipeline or context.pipeline
    moved: dict[str, Any] = {"pipeline": pipeline.code, "stage": stage.code, "entry_seq": item.entry_seq + 1}
    moved |= {"version": item.version + 1, "updated_at": now}
    return context.model_copy(update={"item": item.model_copy(update=moved), "stage": stage, "pipeline": pipeline})


def assigned(
    context: ItemContext, assignments: Sequence[FieldAssignment], around: Surroundings, now: datetime
) -> tuple[ItemContext, tuple[str, ...]]:
    """The item with new values, and the names of the fields that changed by that. Raises `MisfitValueError`."""
    values = context.item.model_dump()
    for one in assignments:
        group, _, code = one.field.rpartition(".")
        if group == "fields":
            values["fields"] = values["fields"] | {code: _new_value(one, values["fields"].get(code))}
        elif one.field in PLAIN:
            values[one.field] = _new_value(one, values[one.field])
        else:
            raise MisfitValueError(f"{one.field} cannot be set")
    item = _snapshot(values)
    changed = tuple(dict.fromkeys(one.field for one in assignments if _differs(context.item, item, one.field)))
    if not changed:
        return context, ()
    item = item.model_copy(update={"version": item.version + 1, "updated_at": now})
    return context.model_copy(update={"item": item, **_around(context, item, around)}), changed


def _new_value(one: FieldAssignment, present: Any) -> Any:
    if not one.append:
        return one.value
    had = list(present) if isinstance(present, list | tuple) else [] if present is None else [present]
    added = one.value if isinstance(one.value, list) else [one.value]
    return had + [value for value in added if str(value) not in map(str, had)]


def _snapshot(values: dict[str, Any]) -> ItemSnapshot:
    try:
        return ItemSnapshot.model_validate(values)
    except ValidationError as error:
        said = "; ".join(f"{where}: {what}" for where, what in issues_of(error)[:5])
        raise MisfitValueError(said) from error


def _differs(before: ItemSnapshot, after: ItemSnapshot, field: str) -> bool:
    group, _, code = field.rpartition(".")
    if group == "fields":
        return before.fields.get(code) != after.fields.get(code)
    return bool(getattr(before, field) != getattr(after, field))


def _around(context: ItemContext, item: ItemSnapshot, around: Surroundings) -> dict[str, Any]:
    """What the item refers to after a change; clients and people that nobody knows here are absent."""
    found: dict[str, Any] = {}
    if item.responsible_id != context.item.responsible_id:
        found["responsible"] = around.employees.get(item.responsible_id) if item.responsible_id else None
    if item.company_id != context.item.company_id:
        found["company"] = around.companies.get(item.company_id) if item.company_id else None
    if item.contact_ids != context.item.contact_ids:
        contacts = tuple(around.contacts[id] for id in item.contact_ids if id in around.contacts)
        found |= {"contacts": contacts, "contact": contacts[0] if contacts else None}
    return found
