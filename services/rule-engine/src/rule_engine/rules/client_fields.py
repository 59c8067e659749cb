"""Fields of contacts and companies that rules set."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from contracts.clients import SEVERAL, ClientFields, value_issues
from contracts.issues import Issue, unknown
from contracts.messages.entity_commands import FieldAssignment
from contracts.texts import MAX_NAME
from rule_engine.domain.actions import AuthoringContext, Params
from rule_engine.domain.language.limits import Cut
from rule_engine.domain.language.value_types import shape_of
from rule_engine.rules.field_values import constant, is_computed, pairs, value_issue

_ON_ONE_LINE = ("first_name", "last_name", "title")


class ClientValue(Params):
    """A field of the client and its value."""

    field: Annotated[str, Field(min_length=1, max_length=100)]
    """Of a contact `first_name`, `last_name`, `phones`, `emails`, `opted_out`, `time_zone`; of a company `title`,
    `phones`, `emails`, `address`, `tax_number`."""
    value: JsonValue
    """A text, `{"path": …}`, `{"expr": …}`, or as the field keeps it; null empties the field. A phone number or
    e-mail address is one text, or has its `type` too: `{"number": …, "type": "work"}`."""


class ClientAssignment(ClientValue):
    """A field of the client and its new value."""

    append: bool = False
    """Adds to phone numbers or e-mail addresses instead of overwriting them."""


def assignments(values: Iterable[ClientValue]) -> tuple[FieldAssignment, ...]:
    """As the commands say it."""
    return tuple(FieldAssignment(**one.model_dump()) for one in values)


def client_issues(
    params: Mapping[str, JsonValue], context: AuthoringContext, fields: ClientFields, record: type[BaseModel]
) -> Iterable[Issue]:
    """What is wrong with fields and values; `record` is what can be read of the client."""
    known = fields.model_fields
    for index, name, one in pairs(params):
        where, append = f"fields[{index}]", one.get("append") is True
        if name in record.model_fields and name not in known:
            yield Issue(f"{where}.field", f"{name} cannot be set: {', '.join(known)} can")
        elif name not in known:
            yield Issue(f"{where}.field", unknown("field", name, known))
        elif append and name not in SEVERAL:
            yield Issue(f"{where}.append", f"{name} holds one value: it cannot be appended to")
        else:
            value = one.get("value")
            found = _computed_issues if is_computed(value) else _constant_issues
            yield from (Issue(f"{where}.value", what) for what in found(name, value, context, fields, append))


def _computed_issues(
    name: str, value: JsonValue, context: AuthoringContext, fields: ClientFields, append: bool
) -> Iterable[str]:
    shape = shape_of(fields.model_fields[name].annotation)
    if name not in SEVERAL and (what := value_issue(name, value, shape, context.names(context.pipeline.kind))):
        yield what


def _constant_issues(
    name: str, value: JsonValue, context: AuthoringContext, fields: ClientFields, append: bool
) -> Iterable[str]:
    given = constant(value)
    for place, what in value_issues(fields, name, [given] if append and not isinstance(given, list) else given):
        yield f"{place}: {what}"


def client_cuts(params: Mapping[str, JsonValue]) -> Iterable[Cut]:
    """Names are for people: longer ones are cut."""
    for index, name, _ in pairs(params):
        if name in _ON_ONE_LINE:
            yield Cut(("fields", index, "value"), MAX_NAME, one_line=True)
