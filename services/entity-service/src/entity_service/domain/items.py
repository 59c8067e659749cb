"""Items: what they consist of, how they are made and how their fields change."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import FieldSchema, PipelineSchema
from contracts.item_fields import CLIENTS, PLAIN, SEVERAL, value_issues, value_of
from contracts.item_types import BUILT_IN, ItemType
from contracts.messages.entity_commands import FieldAssignment, NewItem
from contracts.values import ItemKind, ItemSnapshot
from entity_service.domain.errors import InvalidError
from entity_service.domain.fields import apply_values, mentioned_ids

MAX_FORMER = 50_000
"""A message has the new values, too, and brokers refuse large ones."""


class Place(NamedTuple):
    """A stage of a pipeline."""

    pipeline: str
    stage: str


class Item(ItemSnapshot):
    """An item as this service keeps it."""

    tenant_id: UUID
    amount_by_hand: bool = False
    """The amount was given, so product rows do not compute it."""

    @property
    def place(self) -> Place:
        return Place(self.pipeline, self.stage)

    def snapshot(self) -> ItemSnapshot:
        return ItemSnapshot.model_construct(**{name: getattr(self, name) for name in ItemSnapshot.model_fields})

    def changed(self, **values: Any) -> "Item":
        """This item with other values, one version on."""
        return self.model_copy(update={**values, "version": self.version + 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What of a tenant's things an item may refer to, as far as it was asked for."""

    tenant: UUID
    types: Mapping[str, ItemType] = field(default_factory=dict)
    """The custom ones, archived ones too."""
    pipelines: Mapping[str, PipelineSchema]
    fields: Mapping[tuple[ItemKind, str], FieldSchema]
    employees: AbstractSet[UUID]
    contacts: AbstractSet[UUID]
    companies: AbstractSet[UUID]
    archived: AbstractSet[UUID] = frozenset()
    """Those of the employees who get no new work."""

    def no_clients(self, kind: ItemKind) -> str | None:
        """Why items of a kind have no clients; null: they may."""
        type = BUILT_IN.get(kind) or self.types.get(kind)
        return type.lacks("clients") if type else None

    def schemas(self, kind: ItemKind) -> Mapping[str, FieldSchema]:
        return {code: schema for (of, code), schema in self.fields.items() if of == kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """The ids that an input refers to, to be looked up."""

    employees: frozenset[UUID] = frozenset()
    contacts: frozenset[UUID] = frozenset()
    companies: frozenset[UUID] = frozenset()


def mentions_of(wanted: Iterable[NewItem]) -> Mentions:
    wanted = list(wanted)
    people = {id for one in wanted for id in (one.responsible_id, *one.observer_ids) if id}
    return Mentions(
        employees=frozenset(people).union(*(mentioned_ids(one.fields) for one in wanted)),
        contacts=frozenset(id for one in wanted for id in one.contact_ids),
        companies=frozenset(one.company_id for one in wanted if one.company_id),
    )


def new_item(wanted: NewItem, place: Place, references: References, *, id: UUID, now: datetime) -> Item:
    """The item at its first entry. Raises `InvalidError` with everything that is wrong with it."""
    plain = {name: getattr(wanted, name) for name in PLAIN}
    values, errors = _parse_plain(plain, references, wanted.kind)
    fields, field_errors = apply_values({}, wanted.fields, references.schemas(wanted.kind), references.employees)
    if errors or field_errors:
        raise InvalidError(*errors, *field_errors)
    return Item(
        tenant_id=references.tenant,
        id=id,
        kind=wanted.kind,
        **place._asdict(),
        **values,
        amount_by_hand=wanted.amount is not None,
        version=1,
        entry_seq=1,
        fields=fields,
        created_at=now,
        updated_at=now,
    )


def copy_of(original: Item, place: Place, title: str, responsible: UUID | None, *, id: UUID, now: datetime) -> Item:
    """A copy of an item at its first entry, without the activities."""
    return original.model_copy(
        update={
            "id": id,
            **place._asdict(),
            "title": title,
            "responsible_id": responsible,
            "version": 1,
            "entry_seq": 1,
            "activity_count": 0,
            "created_at": now,
            "updated_at": now,
        }
    )


def _parse_plain(
    values: Mapping[str, Any], references: References, kind: ItemKind
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    parsed, errors = dict[str, Any](), list[tuple[str, str]]()
    no_clients = references.no_clients(kind)
    for name, value in values.items():
        if wrong := list(value_issues(name, value)):
            errors += wrong
            continue
        try:
            parsed[name] = value_of(name, value)
            _check_reference(name, parsed[name], references)
            if no_clients and name in CLIENTS and parsed[name]:
                raise ValueError(f"cannot be set: {no_clients}")
        except ValueError as error:
            errors.append((name, str(error)))
    return parsed, errors


def _check_reference(name: str, value: Any, references: References) -> None:
    if name == "responsible_id" and value and value not in references.employees:
        raise ValueError("is no employee's id")
    if name == "responsible_id" and value in references.archived:
        raise ValueError("is an archived employee: name another one")
    if name == "observer_ids" and (unknown := [str(id) for id in value if id not in references.employees]):
        raise ValueError(f"are no employees' ids: {', '.join(unknown)}")
    if name == "company_id" and value and value not in references.companies:
        raise ValueError("is no company's id")
    if name == "contact_ids" and (unknown := [str(id) for id in value if id not in references.contacts]):
        raise ValueError(f"are no contacts' ids: {', '.join(unknown)}")


def mentions_in(assignments: Iterable[FieldAssignment], item: Item | None = None) -> Mentions:
    """Those of the values, and of what they are appended to."""
    ids: dict[str, frozenset[UUID]] = {}
    for one in assignments:
        present = getattr(item, one.field) if item and one.append and one.field in SEVERAL else ()
        ids[one.field] = ids.get(one.field, frozenset()) | {*mentioned_ids({one.field: one.value}), *present}
    contacts, companies = ids.pop("contact_ids", frozenset()), ids.pop("company_id", frozenset())
    return Mentions(employees=frozenset().union(*ids.values()), contacts=contacts, companies=companies)


def assign(item: Item, assignments: Sequence[FieldAssignment], references: References) -> Item:
    """The item with new values, version and time as before. Raises `InvalidError` with everything that is wrong.

    An employee who is responsible already stays so, archived or not.
    """
    references = replace(references, archived=references.archived - {item.responsible_id})
    plain, custom, errors = dict[str, Any](), dict[str, JsonValue](), list[tuple[str, str]]()
    for assignment in assignments:
        group, _, code = assignment.field.rpartition(".")
        try:
            if group == "fields":
                multiple = _is_multiple(references, item.kind, code)
                custom[code] = _appended(assignment, custom.get(code, item.fields.get(code)), multiple)
            elif assignment.field in PLAIN:
                present = plain.get(assignment.field, getattr(item, assignment.field))
                plain[assignment.field] = _appended(assignment, present, assignment.field in SEVERAL)
            else:
                raise ValueError("cannot be set")
        except ValueError as error:
            errors.append((assignment.field, str(error)))
    values, plain_errors = _parse_plain(plain, references, item.kind)
    fields, field_errors = apply_values(item.fields, custom, references.schemas(item.kind), references.employees)
    if errors or plain_errors or field_errors:
        raise InvalidError(*errors, *plain_errors, *field_errors)
    if "amount" in values:
        values["amount_by_hand"] = values["amount"] is not None
    return item.model_copy(update={**values, "fields": fields})


def _is_multiple(references: References, kind: ItemKind, code: str) -> bool:
    schema = references.fields.get((kind, code))
    return schema is not None and schema.multiple


def _appended(assignment: FieldAssignment, present: Any, multiple: bool) -> Any:
    if not assignment.append:
        return assignment.value
    if not multiple:
        raise ValueError("holds one value: it cannot be appended to")
    added = assignment.value if isinstance(assignment.value, list) else [assignment.value]
    had = [str(one) if isinstance(one, UUID) else one for one in present or ()]
    return had + [one for one in added if one not in had]


def changed_names(before: Item, after: Item) -> tuple[str, ...]:
    """What an observer of the item's fields would see changed, as `FieldsChanged` names it."""
    plain = [name for name in (*PLAIN, "activity_count") if getattr(before, name) != getattr(after, name)]
    codes = sorted(before.fields.keys() | after.fields.keys())
    return (*plain, *(f"fields.{code}" for code in codes if before.fields.get(code) != after.fields.get(code)))


def former_values(before: Item, changed: Iterable[str]) -> dict[str, JsonValue]:
    """What fields had before they changed, by the names of `changed_names`, up to `MAX_FORMER` characters in all."""
    values, left = dict[str, JsonValue](), MAX_FORMER
    for name in changed:
        group, _, code = name.rpartition(".")
        if group != "fields" and name not in ItemSnapshot.model_fields:
            continue
        value = before.fields.get(code) if group else before.model_dump(mode="json", include={name})[name]
        left -= len(str(value))
        if left >= 0:
            values[name] = value
    return values
