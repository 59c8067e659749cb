"""What a hostile tenant tries: sound rules and requests with one value of the corpus somewhere in them.

`support/hostile_tenant.yaml` is the tenant that they are about.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

from hypothesis.strategies import SearchStrategy

from support import corpus
from support.corpus import Json, places, replaced
from support.hostile_params import FIELDS, PARAMS, QUIET

TENANT = Path(__file__).with_name("hostile_tenant.yaml")
PIPELINES = ("deals", "orders")
STAGES = tuple(f"s{number}" for number in range(6))

ITEM: Json = {
    "kind": "deal",
    "title": "A deal",
    "amount": {"amount": 12_345, "currency": "EUR"},
    "source": "form",
    "fields": FIELDS,
}
CONTACT: Json = {
    "first_name": "Ada",
    "last_name": "Bell",
    "phones": [{"number": "+447700900123", "type": "work"}],
    "emails": [{"address": "ada@client.example", "type": "work"}],
    "opted_out": False,
}
COMPANY: Json = {"title": "Bell", "phones": [], "emails": [], "address": "Via Esempio 1", "tax_number": "IT1"}
ANSWERS: Json = {
    "name": "Ada Bell",
    "phone": "+447700900123",
    "email": "ada@client.example",
    "wish": "A table",
    "count": 3,
    "_nonce": "{nonce}",
}
_HOURS = [{"opens": "09:00", "closes": "18:00"}]
_TESTED: Json = {"path": "body.total", "op": "gt", "value": 3}
_FORM: Json = {
    "name": "Another form",
    "kind": "deal",
    "pipeline": "deals",
    "stage": QUIET,
    "title": "Of {wish}",
    "source": "form",
    "phone_region": "GB",
    "allowed_origins": ["https://shop.example"],
    "success_message": "Thank you",
    "fields": [{"name": "wish", "label": "Your wish", "type": "text", "target": "item.fields.note"}],
}
_PAID: Json = {
    "payment_id": "{payment}",
    "status": "paid",
    "amount": 1_000,
    "currency": "EUR",
    "paid_at": "2026-03-02T12:00:00Z",
    "reference": "r",
}
_ROW = {"name": "A table", "quantity": "1.5", "unit": "pcs", "price": 120_000}
_ROW |= {"discount_percent": "1", "tax_percent": "19"}


@dataclass(frozen=True)
class Write:
    """A request as one of the tenant's people sends it, or (`open`) anybody, or (`signed`) a payment provider.

    `{…}` in the path, and alone in a body, are the tenant's ids. `{value}` in the path, a query and a body are what
    hostile values go into.
    """

    part: str
    method: str
    path: str
    body: Json = None
    query: Mapping[str, str] | None = None
    open: bool = False
    signed: bool = False

    def content(self) -> bytes | None:
        """The body's bytes, also of what no JSON writer should write."""
        return None if self.body is None else json.dumps(self.body).encode()


ENTITY, ENGINE, TRIGGER, DOC, COMMS = "entity-service", "rule-engine", "trigger-service", "doc-service", "comms-service"
WRITES: Sequence[Write] = (
    Write(ENTITY, "POST", "/v1/items", ITEM | {"pipeline": "deals", "stage": QUIET}),
    Write(ENTITY, "POST", "/v1/items/import", {"items": [ITEM | {"pipeline": "deals"}], "run_rules": True}),
    Write(ENTITY, "PATCH", "/v1/items/{item}", {name: ITEM[name] for name in ("title", "amount", "source", "fields")}),
    Write(ENTITY, "PUT", "/v1/items/{item}/products", {"rows": [_ROW]}),
    Write(ENTITY, "POST", "/v1/items/{item}/products", {"rows": [_ROW], "currency": "EUR"}),
    Write(ENTITY, "POST", "/v1/items/{item}/activities", {"kind": "note", "subject": "Hm", "text": "Well"}),
    Write(
        ENTITY,
        "POST",
        "/v1/items/{item}/tasks",
        {"name": "Call", "description": "All", "deadline": "2030-01-01T12:00:00Z", "checklist": ["one"]},
    ),
    Write(ENTITY, "POST", "/v1/items/{item}/invoices", {"title": "An invoice", "amount": ITEM["amount"]}),
    Write(ENTITY, "GET", "/v1/items", query={"q": "table", "cursor": "x"}),
    Write(ENTITY, "POST", "/v1/contacts", CONTACT),
    Write(ENTITY, "PATCH", "/v1/contacts/{contact}", CONTACT),
    Write(ENTITY, "GET", "/v1/contacts", query={"phone": "+447700900123", "email": "ada@client.example"}),
    Write(ENTITY, "POST", "/v1/companies", COMPANY),
    Write(ENTITY, "PUT", "/v1/fields/deal/extra", {"name": "Extra", "type": "list", "options": ["a", "b"]}),
    Write(
        ENTITY,
        "PUT",
        "/v1/lists/extra",
        {"title": "Extra", "fields": [{"code": "wood", "name": "Wood", "type": "list", "options": ["oak", "ash"]}]},
    ),
    Write(ENTITY, "POST", "/v1/lists/notes/rows", {"values": {"text": "Well", "size": 7, "who": []}}),
    Write(
        ENTITY, "PUT", "/v1/item-types/extra", {"title": {"en": "Extra"}, "has_clients": True, "has_products": False}
    ),
    Write(
        ENTITY,
        "PUT",
        "/v1/pipelines/extra",
        {"name": "Extra", "kind": "quote", "stages": [{"code": "a", "name": "A"}, {"code": "b", "name": "B"}]},
    ),
    Write(
        ENTITY,
        "PUT",
        "/v1/tenant",
        {
            "name": "Neighbour",
            "time_zone": "Europe/Berlin",
            "language": "de",
            "crm_url": "https://crm.example",
            "tax_rounding": "per_row",
            "default_assignee": "seller",
        },
    ),
    Write(ENTITY, "PUT", "/v1/calendar", {"week": {"mon": _HOURS}, "country": "DE", "days": {"2096-12-24": []}}),
    Write(
        ENTITY,
        "PUT",
        "/v1/employees/seller",
        {"first_name": "Alex", "last_name": "Example", "email": "alex@neighbour.example", "position": "Sales"}
        | {"successor": "boss"},
    ),
    Write(
        ENTITY,
        "PUT",
        "/v1/employees/seller/schedule",
        {
            "time_zone": "Europe/Rome",
            "week": {"mon": _HOURS},
            "absences": [{"from": "2026-07-20T00:00:00Z", "until": "2026-08-03T00:00:00Z"}],
        },
    ),
    Write(ENGINE, "PUT", "/v1/variables/extra", {"name": "Extra", "type": "text", "scope": "item", "value": "x"}),
    Write(ENGINE, "PUT", "/v1/constants/extra", {"name": "Extra", "type": "money", "value": ITEM["amount"]}),
    Write(ENGINE, "PUT", "/v1/variables/a_text/value", {"value": "text"}),
    Write(ENGINE, "GET", "/v1/decisions", query={"item": "x", "cursor": "y"}),
    Write(TRIGGER, "POST", "{form}", ANSWERS, open=True),
    Write(TRIGGER, "POST", "{hook}", {"item_id": "{item}", "total": 7, "rows": [{"sku": "a"}]}, open=True),
    Write(ENTITY, "POST", "{provider}", _PAID, open=True, signed=True),
    Write(TRIGGER, "PUT", "/v1/forms/extra", _FORM),
    Write(
        TRIGGER,
        "PUT",
        "/v1/triggers/called",
        {
            "name": "Called",
            "type": "webhook",
            "pipeline": "deals",
            "stage": "s5",
            "allow_moving_back": True,
            "condition": _TESTED,
            "settings": {"item": "item_id"},
        },
    ),
    Write(
        TRIGGER,
        "PUT",
        "/v1/triggers/filled",
        {"name": "Filled", "type": "form_submitted", "pipeline": "deals", "stage": "s4", "settings": {"form": "site"}},
    ),
    Write(
        DOC,
        "PUT",
        "/v1/templates/extra",
        {
            "name": "Extra",
            "source": "= Act",
            "language": "de",
            "number_pattern": "A-{year}-{number:4}",
            "sample": {"item.fields.note": "x"},
            "publish": True,
        },
    ),
    Write(DOC, "POST", "/v1/files", {"a": "file"}, query={"name": "plan.txt"}),
    Write(
        COMMS,
        "PUT",
        "/v1/channels/extra",
        {"kind": "email", "name": "Extra", "sender_address": "a@neighbour.example", "sender_name": "A"},
    ),
    Write(COMMS, "PUT", "/v1/sender-domains/{value}", {}),
    Write(COMMS, "PUT", "/v1/opt-outs/{value}", {"opted_out": True, "note": "asked"}),
    Write(COMMS, "GET", "/v1/messages", query={"item_id": "x", "cursor": "y"}),
)
"""One of every kind of request that carries a value."""

VALUE = ("path",)
"""The place of `{value}`."""


class Draws:
    """What is tried next. The same seed gives the same; places take turns, so that each has its share.

    `hostile` false: the same rules and requests as people who mean well write them.
    """

    def __init__(self, seed: str, *, hostile: bool = True, each: int = 500) -> None:
        self._hostile = hostile
        self._random = Random(seed)
        rules = [(type, place) for type in PARAMS for place in rule_places(sound_rule(type))]
        writes = [(write, place) for write in WRITES for place in write_places(write)]
        self._rules, self._writes = self._in_turns(rules), self._in_turns(writes)
        self._items = self._in_turns(places(ITEM))

        def drawn(strategy: SearchStrategy[Json]) -> Iterator[Json]:
            return cycle(corpus.samples(strategy, seed, each) if hostile else [None])

        self._parameters, self._values = drawn(corpus.parameters), drawn(corpus.values)
        self._conditions, self._runs = drawn(corpus.conditions), drawn(corpus.named(corpus.RUNS))

    def _in_turns[T](self, those: list[T]) -> Iterator[T]:
        self._random.shuffle(those)
        return cycle(those)

    def rule(self) -> Json:
        """One of the rule types, with a hostile parameter, condition or time."""
        type, place = next(self._rules)
        if not self._hostile:
            return sound_rule(type)
        values = {"condition": self._conditions, "run": self._runs}.get(str(place[0]), self._parameters)
        return replaced(sound_rule(type), place, next(values))

    def item(self) -> Json:
        """What makes an item, a place and clients excepted."""
        return replaced(ITEM, next(self._items), next(self._values)) if self._hostile else ITEM

    def write(self) -> tuple[Write, str]:
        """A request, and what `{value}` in its path stands for."""
        write, place = next(self._writes)
        if not self._hostile:
            return write, "+447700900999"
        value = next(self._conditions if place[-1:] == ("condition",) else self._values)
        if place == VALUE:
            return write, str(value)
        return spoilt(write, place, value), "+447700900999"


def sound_rule(type: str) -> Json:
    """With everything that a value can be written in."""
    condition = {"path": "item.title", "op": "filled"}
    return {"name": "tried", "type": type, "params": PARAMS[type], "condition": condition, "run": {"when": "now"}}


def rule_places(rule: Json) -> list[corpus.Path]:
    """Where hostile values go in a rule."""
    return [("condition",), ("run",), *(("params", *place) for place in places(rule["params"]))]


def write_places(write: Write) -> list[corpus.Path]:
    """Where they go in a request."""
    inner = [("body", *place) for place in places(write.body)] + [("query", *place) for place in places(write.query)]
    return [*inner, *([VALUE] if "{value}" in write.path else [])]


def spoilt(write: Write, place: corpus.Path, value: Json) -> Write:
    """The request with the value in one of its places."""
    name = str(place[0])
    changes: dict[str, Any] = {name: replaced(getattr(write, name), place[1:], value)}
    return replace(write, **changes)
