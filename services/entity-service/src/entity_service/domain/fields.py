"""Custom fields: how values are set, and what may become of a field."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from uuid import UUID

import orjson
from pydantic import JsonValue

from contracts.contexts import FieldSchema
from contracts.field_values import FieldFields, ListField, as_uuid, clean_value
from entity_service.domain.errors import ConflictError, InvalidError

MAX_ALL = 200_000
"""Bytes of all custom fields of one item: every event about it carries them."""


class CustomField(FieldSchema):
    """A custom field of a kind of item, as this service keeps it."""

    archived: bool


def check_replacement(old: FieldSchema | ListField | None, new: FieldSchema | ListField) -> None:
    """A field keeps its type, since items or rows hold values of it."""
    if old and (old.type, old.multiple) != (new.type, new.multiple):
        raise ConflictError(f"field {new.code!r} keeps its type; archive it and make another one")
    if (new.type == "list") != bool(new.options):
        raise InvalidError(("options", "exactly a field of type list has options"))


def apply_values(
    present: Mapping[str, JsonValue],
    values: Mapping[str, JsonValue],
    schemas: Mapping[str, FieldFields],
    employees: AbstractSet[UUID],
) -> tuple[dict[str, JsonValue], list[tuple[str, str]]]:
    """`present` with `values` set, and what is wrong with them; null empties a field."""
    result, errors = dict(present), list[tuple[str, str]]()
    for code, value in values.items():
        try:
            cleaned = _clean(schemas.get(code), value, employees)
        except ValueError as error:
            errors.append((f"fields.{code}", str(error)))
            continue
        result.pop(code, None)
        if cleaned is not None:
            result[code] = cleaned
    if not errors and len(orjson.dumps(result)) > MAX_ALL:
        errors.append(("fields", f"have more than {MAX_ALL} bytes together"))
    return result, errors


def _clean(schema: FieldFields | None, value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    if schema is None:
        raise ValueError("there is no such field")
    return clean_value(schema, value, employees)


def mentioned_ids(values: Mapping[str, JsonValue]) -> Iterator[UUID]:
    """Whatever in `values` may be an employee's id, to be looked up before they are judged."""
    for value in values.values():
        for one in value if isinstance(value, list) else [value]:
            if (found := as_uuid(one)) is not None:
                yield found
