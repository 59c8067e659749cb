"""Who wants no messages gets none, and shows so, whichever service was dead when it was said."""

from typing import Any

import pytest

from local_stack.demo.shop import Shop
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

PHONE = "+390612345678"
PIPELINE = {"name": "Calls", "kind": "deal", "stages": [{"code": "new", "name": "New"}]}
RULES = {
    "pipeline": "calls",
    "publish": True,
    "stages": {"new": {"rules": [{"name": "sms", "type": "send_sms", "params": {"text": "Hello"}}]}},
}


def client(shop: Shop, **more: Any) -> str:
    body = {"first_name": "Ada", "phones": [{"number": PHONE}], **more}
    return str(shop.manager.post("entity-service", "/v1/contacts", body)["id"])


def rule_on_a_deal_of(shop: Shop, contact: str) -> Any:
    """The rule that sends an SMS, when it has come to its end."""
    body = {"kind": "deal", "title": "Call", "pipeline": "calls", "contact_ids": [contact]}
    deal = shop.manager.post("entity-service", "/v1/items", body)["id"]
    shop.stack.start(["all"])

    def rules() -> list[Any]:
        view = shop.manager.find("rule-engine", f"/v1/automation/items/{deal}") or {"stages": []}
        return [rule for stage in view["stages"] for entry in stage["entries"] for rule in entry["rules"]]

    until(lambda: [rule["state"] for rule in rules()] in (["done"], ["refused"], ["failed"]), "the rule's end")
    return rules()[0]


def test_who_opted_out_at_the_contact_gets_nothing_though_comms_service_was_dead(shop: Shop) -> None:
    shop.owner.put("entity-service", "/v1/pipelines/calls", PIPELINE)
    shop.owner.put("rule-engine", "/v1/rule-sets/calls", RULES)
    shop.stack.kill(["comms-service"])
    rule = rule_on_a_deal_of(shop, client(shop, opted_out=True))
    assert (rule["state"], rule["reason"]) == ("refused", "opted out")

    def recorded() -> bool:
        found = shop.manager.find("comms-service", f"/v1/opt-outs/{PHONE}")
        return bool(found and found["opted_out"] and found["source"] == "contact")

    until(recorded, "comms-service to know")


def test_who_opted_out_at_comms_service_shows_so_though_entity_service_was_dead(shop: Shop) -> None:
    contact = client(shop)
    shop.stack.kill(["entity-service"])
    shop.manager.put("comms-service", f"/v1/opt-outs/{PHONE}", {"source": "link"})
    shop.stack.start(["all"])
    until(lambda: bool(shop.manager.get("entity-service", f"/v1/contacts/{contact}")["opted_out"]), "opted out")
    (known,) = shop.manager.list("entity-service", f"/v1/contacts/{contact}/consents")
    assert (known["address"], known["source"], known["by"]) == (PHONE, "link", shop.ids["manager"])
