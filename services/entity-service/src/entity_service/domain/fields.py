"""Custom fields: whether a value is of its field's type."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.contexts import FieldSchema, FieldType
from contracts.envelope import rfc3339
from contracts.texts import composed, one_line
from contracts.values import FileRef, Money, ordinary
from entity_service.domain.errors import ConflictError, InvalidError

MAX_TEXT = 10_000
MAX_VALUES = 200
MAX_ALL = 200_000
"""Bytes of all custom fields of one item: every event about it carries them."""


class CustomField(FieldSchema):
    """A custom field of a kind of item, as this service keeps it."""

    archived: bool


def check_replacement(old: FieldSchema | None, new: FieldSchema) -> None:
    """A field keeps its type, since items hold values of it."""
    if old and (old.type, old.multiple) != (new.type, new.multiple):
        raise ConflictError(f"field {new.code!r} keeps its type; archive it and make another one")
    if (new.type == "list") != bool(new.options):
        raise InvalidError(("options", "exactly a field of type list has options"))


def apply_values(
    present: Mapping[str, JsonValue],
    values: Mapping[str, JsonValue],
    schemas: Mapping[str, FieldSchema],
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


def _clean(schema: FieldSchema | None, value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    if schema is None:
        raise ValueError("there is no such field for items of this kind")
    if value is None or value == []:
        return None
    if not schema.multiple:
        return _one(schema, value, employees)
    if not isinstance(value, list):
        raise ValueError("holds several values: give a list")
    if len(value) > MAX_VALUES:
        raise ValueError(f"holds at most {MAX_VALUES} values")
    return [_one(schema, one, employees) for one in value]


def _one(schema: FieldSchema, value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    if schema.type == "list":
        return _option(schema, value)
    if schema.type == "user":
        return _user(value, employees)
    return _CLEANERS[schema.type](value)


def _option(schema: FieldSchema, value: JsonValue) -> JsonValue:
    option = one_line(value) if isinstance(value, str) else value
    if option not in schema.options:
        raise ValueError(f"is none of the options {', '.join(schema.options[:20])}")
    return option


def _user(value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    if as_uuid(value) not in employees:
        raise ValueError("is no employee's id")
    return str(as_uuid(value))


def _text(value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"is a text of at most {MAX_TEXT} characters")
    text: str = composed(value)
    return text


def _number(value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is a number")
    return ordinary(value)


def _boolean(value: JsonValue) -> JsonValue:
    if not isinstance(value, bool):
        raise ValueError("is true or false")
    return value


def _money(value: JsonValue) -> JsonValue:
    money = _parsed(Money, value, "is money: amount in minor units and currency (EUR)")
    _number(money.amount)
    return money.model_dump(mode="json")


def _file(value: JsonValue) -> JsonValue:
    return _parsed(FileRef, value, "is a file: file_id, name, sha256").model_dump(mode="json")


def _date(value: JsonValue) -> JsonValue:
    return _parsed(date, value if isinstance(value, str) else None, "is a date such as 2026-03-31").isoformat()


def _datetime(value: JsonValue) -> JsonValue:
    moment = _parsed(datetime, value if isinstance(value, str) else None, _MOMENT)
    if moment.tzinfo is None:
        raise ValueError(_MOMENT)
    try:
        return rfc3339(moment)
    except OverflowError:
        raise ValueError(_MOMENT) from None


_MOMENT = "is a time with its UTC offset such as 2026-03-31T14:00:00+02:00"


def _parsed[T](type_: type[T], value: JsonValue, what: str) -> T:
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValidationError:
        raise ValueError(what) from None


_CLEANERS: Mapping[FieldType, Callable[[JsonValue], JsonValue]] = {
    "text": _text,
    "number": _number,
    "money": _money,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "file": _file,
}


def as_uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (AttributeError, TypeError, ValueError):
        return None


def mentioned_ids(values: Mapping[str, JsonValue]) -> Iterator[UUID]:
    """Whatever in `values` may be an employee's id, to be looked up before they are judged."""
    for value in values.values():
        for one in value if isinstance(value, list) else [value]:
            if (found := as_uuid(one)) is not None:
                yield found
