"""Where answers go: whether a form's field fits the item's field that it feeds, and what an answer becomes there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from pydantic import JsonValue

from contracts.contexts import FieldSchema
from contracts.envelope import rfc3339
from contracts.field_values import FieldType
from contracts.issues import unknown
from contracts.moments import read_moment
from contracts.texts import MAX_NAME, one_line
from trigger_service.domain.forms import FormField, FormSpec

type Answer = str | int | float | bool

ITEM = "item.fields."
CONTACT = "contact."
_FEEDS: Mapping[FieldType, Sequence[str]] = {
    "text": ("text", "email", "phone", "number", "boolean", "choice"),
    "number": ("number",),
    "boolean": ("boolean",),
    "date": ("text",),
    "datetime": ("text",),
    "list": ("choice",),
}
"""Which types of a form's field an item's field takes; one that is not here takes none."""


def item_fields(form: FormSpec, schemas: Sequence[FieldSchema]) -> tuple[FieldSchema, ...]:
    """The item's fields that the form feeds."""
    fed = {field.target for field in form.fields}
    return tuple(one for one in schemas if one.kind == form.kind and ITEM + one.code in fed)


def misfits(field: FormField, schema: FieldSchema) -> Iterator[tuple[str, str]]:
    """Why answers could not be kept in an item's field: (part of the form's field, what), for its author."""
    feeds = _FEEDS.get(schema.type, ())
    if not feeds:
        yield "target", f"{field.target} is a {schema.type}, which no form can fill in: leave the target out"
    elif field.type not in feeds:
        yield "type", f"{field.target} is a {schema.type}: make the form's field a {' or '.join(feeds)}"
    elif schema.type == "list":
        missing = (choice for choice in field.choices if choice not in schema.options)
        yield from (("choices", unknown("option", one, schema.options, f"of {field.target}")) for one in missing)


def for_contact(answer: Answer) -> str:
    """A name as contacts keep it; raises ValueError with what the visitor can do."""
    name = one_line(shown(answer))
    if len(name) > MAX_NAME:
        raise ValueError(f"at most {MAX_NAME} characters")
    return name


def for_item(answer: Answer, schema: FieldSchema) -> JsonValue:
    """An answer as the item keeps it; raises ValueError with what the visitor can do."""
    made = _AS.get(schema.type, _unchanged)(answer)
    return [made] if schema.multiple else made


def shown(answer: Answer) -> str:
    """As people read it."""
    return ("yes" if answer else "no") if isinstance(answer, bool) else str(answer)


def _date(answer: Answer) -> JsonValue:
    try:
        return date.fromisoformat(str(answer)).isoformat()
    except ValueError as error:
        raise ValueError("expected a date such as 2026-12-24") from error


def _moment(answer: Answer) -> JsonValue:
    try:
        moment = read_moment(str(answer))
        if moment.tzinfo is not None:
            return rfc3339(moment)
    except (ValueError, OverflowError):
        pass  # said below, as for a time without an offset
    raise ValueError("expected a time with its UTC offset such as 2026-12-24T14:00:00+01:00")


def _unchanged(answer: Answer) -> JsonValue:
    return answer


_AS: Mapping[FieldType, Callable[[Answer], JsonValue]] = {"text": shown, "date": _date, "datetime": _moment}
