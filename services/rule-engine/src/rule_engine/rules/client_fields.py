"""Fields of contacts and companies that rules set."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from contracts import clients
from contracts.clients import SEVERAL, ClientFields
from contracts.issues import Issue, unknown
from contracts.messages.entity_commands import FieldAssignment
from contracts.texts import MAX_NAME
from rule_engine.domain.actions import AuthoringContext, Params
from rule_engine.domain.language.limits import Cut
from rule_engine.domain.language.value_types import ANY, Shape, shape_of
from rule_engine.rules.field_values import Check, pairs, value_issues

_ADDRESSES = Shape("list", element=ANY)
"""Each is a text or has parts, which may be made when the rule acts."""
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
            shape = _ADDRESSES if name in SEVERAL else shape_of(fields.model_fields[name].annotation)
            names = context.names(context.pipeline.kind)
            found = value_issues(name, one.get("value"), shape, names, _check(fields, name), append=append)
            yield from (Issue(f"{where}.value", what) for what in found)


def _check(fields: ClientFields, name: str) -> Check:
    return lambda value: (f"{place}: {what}" for place, what in clients.value_issues(fields, name, value))


def client_cuts(params: Mapping[str, JsonValue]) -> Iterable[Cut]:
    """Names are for people: longer ones are cut."""
    for index, name, _ in pairs(params):
        if name in _ON_ONE_LINE:
            yield Cut(("fields", index, "value"), MAX_NAME, one_line=True)
