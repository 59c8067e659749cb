"""Fields that authors define, for items and for lists, and whether a value is of a field's type."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from contracts.envelope import rfc3339
from contracts.texts import Line, Name, composed, one_line
from contracts.values import Code, Fields, FileRef, Money, Value, ordinary

FieldType = Literal["text", "number", "money", "boolean", "date", "datetime", "list", "user", "file"]
MAX_TEXT = 10_000
MAX_VALUES = 200


class FieldFields(Fields):
    """What is said of a custom field; `options` exactly for the type list."""

    name: Name
    type: FieldType
    multiple: bool = False
    options: Annotated[tuple[Line, ...], Field(max_length=1000)] = ()


class ListField(FieldFields, Value):
    """A field of a list's rows. An archived one keeps its values and takes no new ones."""

    code: Code
    archived: bool = False


class ListSchema(Value):
    """A list of rows that have the same fields."""

    code: Code
    title: Name
    fields: tuple[ListField, ...]

    def in_use(self) -> dict[str, ListField]:
        """The fields that take values, by code."""
        return {one.code: one for one in self.fields if not one.archived}


def clean_value(field: FieldFields, value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    """The value as it is kept; null empties the field. Raises ValueError that says what the field holds."""
    if value is None or value == []:
        return None
    if not field.multiple:
        return _one(field, value, employees)
    if not isinstance(value, list):
        raise ValueError("holds several values: give a list")
    if len(value) > MAX_VALUES:
        raise ValueError(f"holds at most {MAX_VALUES} values")
    return [_one(field, one, employees) for one in value]


def _one(field: FieldFields, value: JsonValue, employees: AbstractSet[UUID]) -> JsonValue:
    if field.type == "list":
        return _option(field, value)
    if field.type == "user":
        return _user(value, employees)
    return _CLEANERS[field.type](value)


def _option(field: FieldFields, value: JsonValue) -> JsonValue:
    option = one_line(value) if isinstance(value, str) else value
    if option not in field.options:
        raise ValueError(f"is none of the options {', '.join(field.options[:20])}")
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
