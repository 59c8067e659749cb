"""A tenant in which each rule type has a stage of its own, where its example acts on the items that enter.

The end-to-end test of the examples and chaos set it up alike. What is written here is what the examples speak of.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from local_stack.credentials import Secrets
from rule_engine.rules.examples import Example, load_examples

EXAMPLES = load_examples()
PIPELINE, ELSEWHERE = "examples", "elsewhere"
EXAMPLE = "example"
"""The name of the rule in each stage; those before and after it in its chain have names of their own."""

TITLE, LAST_NAME, PHONE, EMAIL = "Oak table", "Client", "+393331234567", "alex@client.example"
"""Of the item and its client."""
CLIENT = {
    "first_name": "Alex",
    "last_name": LAST_NAME,
    "phones": [{"number": PHONE}],
    "emails": [{"address": EMAIL}],
    "requisites": {"sole_trader": {"name": "Alex's Shop", "tax_number": "12345"}},
}
WELCOME = {
    "name": "Welcome",
    "kind": "deal",
    "parameters": {"word": {"type": "string", "required": True}},
    "blocks": [{"block": "log", "name": "greeted", "text": "{{ param.word }}"}],
    "publish": True,
}
TAKEN = {"kind": "resource", "resource": "van", "start": "2030-05-07T07:00:00Z", "minutes": 120}
PLANNED = ({"name": "Ask for the size", "kind": "call"}, {"name": "Order the wood"})
WARRANTIES = {
    "title": "Warranties",
    "fields": [
        {"code": "item", "name": "For what", "type": "text"},
        {"code": "months", "name": "Months", "type": "number"},
        {"code": "price", "name": "Price", "type": "money"},
        {"code": "keeper", "name": "Who keeps it", "type": "user"},
    ],
}
ROW = {"name": TITLE, "quantity": "1", "price": 250_000}
DELIVERY = "2030-01-08T08:00:00Z"


def documents(secrets: Secrets) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What is PUT beside the furniture shop's documents: service, path, body, in this order."""
    stages = [{"code": type, "name": type} for type in EXAMPLES]
    pipeline = {"name": "Examples", "kind": "deal", "stages": [*stages, {"code": ELSEWHERE, "name": "Elsewhere"}]}
    yield "entity-service", f"/v1/pipelines/{PIPELINE}", pipeline
    yield "entity-service", "/v1/rooms/oak", {"name": "Oak room"}
    yield "entity-service", "/v1/resources/van", {"name": "Delivery van"}
    bank = {"name": "The bank", "provider": "sandbox", "secret": secrets.payment_secret}
    yield "entity-service", "/v1/payment-accounts/bank", bank
    courier = {"name": "The courier", "provider": "sandbox", "secret": secrets.carrier_secret}
    yield "entity-service", "/v1/carriers/courier", courier
    yield "entity-service", "/v1/lists/warranties", WARRANTIES
    yield "entity-service", "/v1/fields/deal/delivery", {"name": "Delivery", "type": "datetime"}
    counter = {"name": "Deals seen", "type": "number", "scope": "tenant", "value": 0}
    yield "rule-engine", "/v1/variables/deals_seen", counter
    yield "rule-engine", "/v1/workflows/welcome", WELCOME
    yield "rule-engine", f"/v1/rule-sets/{PIPELINE}", rule_set()
    paid = {"name": "Paid", "type": "payment_received", "pipeline": PIPELINE, "stage": ELSEWHERE}
    yield "trigger-service", "/v1/triggers/paid", paid


def rule_set() -> dict[str, Any]:
    """A stage for each rule type, and in it the example's chain."""
    stages = {type: {"rules": chain(type, example)} for type, example in EXAMPLES.items()}
    return {"pipeline": PIPELINE, "stages": stages, "publish": True}


def rule(type: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": EXAMPLE, "type": type, "params": params}


def chain(type: str, example: Example) -> list[dict[str, Any]]:
    """The example's rule between those before and after it."""
    before, after = ([one.model_dump() for one in some] for some in (example.before, example.after))
    return [one | {"execution": "wait"} for one in (*before, rule(type, example.params), *after)]


def deal(contacts: Sequence[str], responsible: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The item, on its way to a stage; `contact` among the changes says whether it has a client."""
    body: dict[str, Any] = {
        "kind": "deal",
        "title": TITLE,
        "contact_ids": contacts,
        "responsible_id": responsible,
        "pipeline": PIPELINE,
        "stage": ELSEWHERE,
        "amount": {"amount": 250_000, "currency": "EUR"},
        "fields": {"delivery": DELIVERY},
    }
    return body | {name: value for name, value in changes.items() if name != "contact"}


def filled(part: Any, ids: Mapping[str, str]) -> Any:
    """With ids for `{item}` and for codes of employees."""
    match part:
        case dict():
            return {key: filled(value, ids) for key, value in part.items()}
        case list():
            return [filled(value, ids) for value in part]
        case str():
            return part.format_map(ids)
        case _:
            return part


def matches(found: Any, wanted: Any) -> int:
    """How often what is wanted is a part of what was found; 1 when each wanted element of a list is there once."""
    match found, wanted:
        case dict(), dict():
            return prod(matches(found[key], value) if key in found else 0 for key, value in wanted.items())
        case list(), list():
            return prod(sum(matches(one, value) for one in found) for value in wanted)
        case _:
            return int(found == wanted)
