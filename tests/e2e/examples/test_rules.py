"""Every rule type's example on one running stack: all act at once, then each one's effect is looked for."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from local_stack.demo.people import Person
from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from rule_engine.rules import REGISTRY
from rule_engine.rules.examples import Example
from support.rule_examples import (
    CLIENT,
    ELSEWHERE,
    EXAMPLE,
    EXAMPLES,
    PIPELINE,
    PLANNED,
    ROW,
    TAKEN,
    deal,
    documents,
    filled,
    matches,
    rule,
)
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify]

each_example = pytest.mark.parametrize("type", EXAMPLES)


@dataclass(frozen=True)
class Stage:
    """A shop in which each rule type has a stage of its own, by its name. `items` entered them."""

    shop: Shop
    readers: Mapping[str, Person]
    items: Mapping[str, str]
    refused: Mapping[str, str]

    def effect(self, example: Example, item: str) -> Any:
        path = example.effect.get.format(item=item)
        return self.readers[example.effect.reader].get(example.effect.service, path)

    def ids(self, item: str) -> Mapping[str, str]:
        return {"item": item, **self.shop.ids}

    def rule(self, item: str) -> Mapping[str, Any]:
        """What became of the example's rule; empty before the item's entry is known."""
        view = self.shop.manager.find("rule-engine", f"/v1/automation/items/{item}") or {"stages": []}
        rules = (rule for stage in view["stages"] for entry in stage["entries"] for rule in entry["rules"])
        return next((rule for rule in rules if rule["name"] == EXAMPLE), {})


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    stack.start(["all"])
    with ExitStack() as closing_:
        shop = closing_.enter_context(closing(open_shop(stack)))
        publish(shop)
        other = enter(shop, ELSEWHERE, {})
        shop.manager.post("entity-service", f"/v1/items/{other}/bookings", TAKEN)
        items = {type: enter(shop, type, {}) for type in EXAMPLES}
        refused = {
            type: enter(shop, type, example.refusal.item)
            for type, example in EXAMPLES.items()
            if example.refusal is not None
        }
        yield Stage(shop, {"manager": shop.manager, "head_of_sales": shop.head}, items, refused)


def publish(shop: Shop) -> None:
    for service, path, body in documents(shop.stack.credentials.secrets):
        shop.owner.put(service, path, body)


def enter(shop: Shop, type: str, changes: Mapping[str, Any]) -> str:
    """A deal with a client of its own and a row of products, moved to the example's stage."""
    has_client = changes.get("contact", True)
    contacts = [shop.manager.post("entity-service", "/v1/contacts", CLIENT)["id"]] if has_client else []
    body = deal(contacts, shop.ids["manager"], changes)
    item = str(shop.manager.post("entity-service", "/v1/items", body)["id"])
    shop.manager.send("PUT", "entity-service", f"/v1/items/{item}/products", json={"rows": [ROW]}, headers=ANY)
    for planned in PLANNED:
        mine = planned | {"responsible_id": shop.ids["manager"]}
        shop.manager.post("entity-service", f"/v1/items/{item}/planned-activities", mine)
    shop.manager.send("PUT", "entity-service", f"/v1/items/{item}/stage", json={"stage": type}, headers=ANY)
    return item


ANY = {"If-Match": "*"}


def test_every_rule_type_has_an_example() -> None:
    assert EXAMPLES.keys() == REGISTRY.keys()


@each_example
def test_the_effect_is_at_its_owner_and_the_view_says_that_it_was_done(stage: Stage, type: str) -> None:
    example, item = EXAMPLES[type], stage.items[type]
    until(lambda: stage.rule(item).get("state") not in (None, "waiting", "running"), f"{type} to end")
    assert stage.rule(item)["state"] == "done", stage.rule(item)
    wanted, unwanted = (filled(part, stage.ids(item)) for part in (example.shows, example.lacks))
    assert wanted or unwanted
    until(lambda: matches(stage.effect(example, item), wanted) > 0, f"{wanted} at {example.effect}")
    if unwanted:
        until(lambda: not matches(stage.effect(example, item), unwanted), f"no {unwanted} at {example.effect}")


@pytest.mark.parametrize("type", [type for type, example in EXAMPLES.items() if example.refusal is not None])
def test_where_the_owner_refuses_the_view_says_why(stage: Stage, type: str) -> None:
    refusal, item = EXAMPLES[type].refusal, stage.refused[type]
    assert refusal is not None
    until(lambda: stage.rule(item).get("state") not in (None, "waiting", "running"), f"{type} to end")
    assert stage.rule(item)["state"] in ("refused", "failed"), stage.rule(item)
    assert refusal.reason in stage.rule(item)["reason"]


@each_example
def test_bad_parameters_are_refused_at_publishing_with_their_place(stage: Stage, type: str) -> None:
    issue = EXAMPLES[type].issue
    document = {"pipeline": PIPELINE, "stages": {type: {"rules": [rule(type, issue.params)]}}, "publish": True}
    answer = stage.shop.owner.send("PUT", "rule-engine", f"/v1/rule-sets/{PIPELINE}", json=document, also=[422])
    errors = answer.json().get("errors", [])
    assert [one["where"].startswith(f"stages.{type}.rules[0]") for one in errors] == [True]
    assert issue.says in errors[0]["what"]


def test_a_client_pays_at_the_link_once_and_the_deal_moves(stage: Stage) -> None:
    """The provider calls back twice for each press of the button."""
    manager, item = stage.shop.manager, stage.items["create_payment_link"]

    def payments() -> list[dict[str, Any]]:
        return manager.list("entity-service", f"/v1/items/{item}/payments")

    until(lambda: bool(payments()) and payments()[0]["link"] is not None, "the link")
    link = urlsplit(payments()[0]["link"]).path
    assert "EUR 250000" in stage.shop.visitor.send("GET", "payments", link).text
    for _ in range(2):
        assert "Thank you" in stage.shop.visitor.send("POST", "payments", link).text
    until(lambda: payments()[0]["status"] == "paid", "the payment")
    assert (len(payments()), payments()[0]["method"], payments()[0]["account"]) == (1, "card", "bank")
    until(lambda: manager.get("entity-service", f"/v1/items/{item}")["stage"] == ELSEWHERE, "the trigger to move it")
    timeline = manager.list("entity-service", f"/v1/items/{item}/timeline")
    assert [one["text"] for one in timeline].count("pending → paid") == 1


def test_what_the_carrier_reports_is_known_once_whatever_comes_late(stage: Stage) -> None:
    manager, item = stage.shop.manager, stage.items["allow_delivery"]

    def shipment() -> dict[str, Any]:
        found = manager.list("entity-service", f"/v1/items/{item}/shipments")
        return found[0] if found else {"status": None}

    until(lambda: shipment()["status"] == "allowed", "the shipment to be allowed")
    path = f"/shipments/{shipment()['id']}/report"
    for said in ({"status": "shipped", "tracking": "T-1"}, {"status": "delivered"}, {"status": "shipped"}):
        assert stage.shop.visitor.send("POST", "carriers", path, json=said).json() == [204, 204]
    assert (shipment()["status"], shipment()["tracking"]) == ("delivered", "T-1")
    texts = [one["text"] for one in manager.list("entity-service", f"/v1/items/{item}/timeline")]
    assert [texts.count(text) for text in ("allowed → shipped", "shipped → delivered")] == [1, 1]


def test_no_secret_of_a_provider_is_in_a_log_or_in_the_history(stage: Stage) -> None:
    secrets = stage.shop.stack.credentials.secrets
    said = [path.read_text() for path in stage.shop.logs.glob("*.log")]
    said.append(stage.shop.owner.send("GET", "entity-service", "/v1/changes").text)
    assert "payment-account" in said[-1]
    assert [text for text in said if secrets.payment_secret in text or secrets.carrier_secret in text] == []
