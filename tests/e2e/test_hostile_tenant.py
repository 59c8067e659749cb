"""Nothing that one tenant writes stops another: each example stopped or stalled a stack that was otherwise well.

The hostile tenant publishes a rule, or is refused; items enter its stage; then another tenant's rules must still be
done, and the hostile ones must have ended and say why.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack.apply import Services, apply, read
from local_stack.demo.people import Person
from local_stack.demo.reading import Reading
from local_stack.demo.shop import Shop
from local_stack.stack import Stack
from support import corpus
from support.hostile_params import PARAMS, QUIET
from support.hostility import CONTACT, ITEM, TENANT, sound_rule
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(600)]

type Json = dict[str, Any]

DONE_S = 60.0
"""Within which another tenant's rules must be done; alone they take about a second."""
REFUSED = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.REQUEST_ENTITY_TOO_LARGE)
ENDED = ("done", "skipped", "failed", "refused", "cancelled")
LONG = "t" * 10_000
LOOPS = (
    f"{{% assign list = '{'x' * 480}' | split: '' %}}"
    "{% for a in list %}{% for b in list %}{% endfor %}{% endfor %}"
)
"""Just below the limit of one text's work."""
BRACKETS = ("{{ item.title" + "[now" * 380 + "]" * 380 + " }}") * 24


@dataclass(frozen=True)
class Example:
    """A rule, how many items enter its stage, and the only states it may end in."""

    type: str
    params: Json = field(default_factory=dict)
    condition: Json | None = None
    items: int = 3
    ends: tuple[str, ...] = ("failed", "refused")

    def rule(self) -> Json:
        condition = {"condition": self.condition} if self.condition else {}
        return {**sound_rule(self.type), "params": {**PARAMS[self.type], **self.params}, **condition}


EXAMPLES: Mapping[str, Example] = {
    "a value that no database keeps, more often than there are slots": Example(
        "set_variable", {"value": "{{ '%00' | url_decode }}"}, items=105
    ),
    "a command over 900 kB": Example(
        "create_document", {"fields": {f"f{number}": "{{ item.fields.note }}" * 28 for number in range(4)}}
    ),
    "an output over 900 kB": Example(
        "calculate", {"values": [{"name": f"v{n}", "value": "{{ item.fields.note }}" * 28} for n in range(8)]}
    ),
    "a variable of several texts over 900 kB": Example(
        "set_variable", {"variable": "a_list", "value": ["{{ item.fields.note }}" * 25] * 8}
    ),
    "a title with a null character": Example(
        "update_item", {"fields": [{"field": "title", "value": {"expr": "'\\x00'"}}]}
    ),
    "a task with a null character": Example("create_task", {"name": {"expr": "'a\\x00b'"}}),
    "a notification with a null character": Example("notify_supervisor", {"text": {"expr": "'a\\x00b'"}}),
    "an SMS with a null character": Example("send_sms", {"text": "{{ 'a%00b' | url_decode }}"}),
    "a mail with line ends in its subject": Example(
        "send_email", {"subject": "{{ 'a%0D%0ABcc:%20b@example.org' | url_decode }}"}, ends=ENDED
    ),
    "a document's field of 2,000 dots, which one consumer must not try again and again": Example(
        "create_document", {"fields": {"." * 2_000: "x"}}, items=12
    ),
    "a number of 300 digits": Example(
        "update_item", {"fields": [{"field": "fields.count", "value": {"expr": "1e300"}}]}, ends=ENDED
    ),
    "an amount of 300 digits": Example(
        "update_item", {"fields": [{"field": "amount", "value": {"expr": "{'amount': 1e300, 'currency': 'EUR'}"}}]}
    ),
    "seven quantifiers": Example("set_variable", condition=corpus.tower(7, "none"), ends=ENDED),
    "20,000 values": Example("set_variable", condition=corpus.CONDITIONS["20,000 values"], ends=ENDED),
    "fifty texts just below the limit": Example(
        "calculate", {"values": [{"name": f"v{n}", "value": LOOPS} for n in range(50)]}
    ),
    "brackets in brackets": Example("set_variable", {"value": BRACKETS}),
}
SOUND = {type: Example(type, ends=("done",), items=1) for type in PARAMS}


class Hostile:
    """The hostile tenant's owner."""

    def __init__(self, stack: Stack) -> None:
        tenant = uuid4()
        token = stack.credentials.token(["admin"], tenant, "owner")
        documents = read(TENANT, {"PAYMENT_SECRET": stack.credentials.secrets.payment_secret})
        with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
            self.answers = apply(documents, services, lambda _, __: None)
        self.person = Person(stack.addresses, token)
        seller = self.answers["employee/seller"]["id"]
        self._draft = ITEM | {"pipeline": "deals", "responsible_id": seller}

    def publish(self, rule: Json) -> httpx.Response:
        body = {"pipeline": "deals", "publish": True, "stages": {"s0": {"rules": [rule]}}}
        return self.person.send("PUT", "rule-engine", "/v1/rule-sets/deals", also=REFUSED, json=body)

    def enter(self, times: int) -> list[str]:
        """The ids of new items with a text of 10 kB and ten rows of products, which have moved into the stage."""
        items = [self._item() for _ in range(times)]
        for item in items:
            path, anyway = f"/v1/items/{item}/stage", {"If-Match": "*"}
            self.person.send("PUT", "entity-service", path, json={"stage": "s0"}, headers=anyway)
        return items

    def _item(self) -> str:
        contact = self.person.post("entity-service", "/v1/contacts", CONTACT)["id"]
        draft = self._draft | {"stage": QUIET, "fields": {"note": LONG, "count": 3}, "contact_ids": [contact]}
        item = str(self.person.post("entity-service", "/v1/items", draft)["id"])
        rows = [{"name": f"Table {number}", "quantity": "1", "price": 100} for number in range(10)]
        self.person.send(
            "PUT", "entity-service", f"/v1/items/{item}/products", json={"rows": rows}, headers={"If-Match": "*"}
        )
        return item

    def rules(self, item: str) -> list[Json]:
        """What became of the rules of the item."""
        view = self.person.find("rule-engine", f"/v1/automation/items/{item}") or {"stages": []}
        return [rule for stage in view["stages"] for entry in stage["entries"] for rule in entry["rules"]]

    def have_ended(self, items: list[str], ends: tuple[str, ...]) -> None:
        """Waits until the rules of all items ended, each as it may and with a reason where it is not done."""
        until(lambda: all(self._ended(item) for item in items), "the hostile rules to end")
        endings = [(rule["state"], rule["reason"]) for item in items for rule in self.rules(item)]
        assert {state for state, _ in endings} <= set(ends), endings[:3]
        assert all(reason for state, reason in endings if state != "done"), endings[:3]

    def _ended(self, item: str) -> bool:
        rules = self.rules(item)
        return bool(rules) and all(rule["state"] in ENDED for rule in rules)


@pytest.fixture(scope="module")
def hostile(stack: Stack) -> Iterator[Hostile]:
    stack.start(["all"])
    opened = Hostile(stack)
    yield opened
    opened.person.close()


def still_works(shop: Shop) -> None:
    """The furniture shop's rules of every owner: an SMS, a document with its mail, a task, a copy."""
    seen = Reading(shop)
    draft = {"kind": "deal", "title": "Oak table", "responsible_id": shop.ids["manager"]}
    client = {
        "first_name": "Kim",
        "phones": [{"number": "+447700900456"}],
        "emails": [{"address": "kim@client.example"}],
    }
    contact = shop.manager.post("entity-service", "/v1/contacts", client)["id"]
    for stage, rules in {"new": ["greet"], "document_preparation": ["create_document", "send_invoice"]}.items():
        deal = shop.manager.post(
            "entity-service", "/v1/items", draft | {"pipeline": "sales", "stage": stage, "contact_ids": [contact]}
        )["id"]
        for rule in rules:
            until(lambda: seen.state(deal, stage, rule) == "done", f"another tenant's {rule}", DONE_S)  # noqa: B023


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_one_tenant_writes_stops_no_other(hostile: Hostile, shop: Shop, name: str) -> None:
    example = EXAMPLES[name]
    answer = hostile.publish(example.rule())
    items = hostile.enter(example.items) if answer.is_success else []
    still_works(shop)
    if answer.is_success:
        hostile.have_ended(items, example.ends)
    else:
        assert answer.json()["errors"], answer.text


OF_OTHERS = {
    *("get_item_data", "update_linked_item", "delete_linked_item", "link_items", "set_parent_item"),
    *("copy_products", "move_products", "update_company", "list_item_update", "list_item_read"),
    *("create_payment_link", "get_payment", "create_shipment", "allow_delivery", "cancel_shipment", "get_delivery"),
}
"""They are for another item, or for a company, row, account or shipment that this tenant has not: they are refused."""


@pytest.mark.parametrize("type", SOUND)
def test_the_same_rules_without_hostile_values_are_done(hostile: Hostile, type: str) -> None:
    answer = hostile.publish(SOUND[type].rule())
    assert answer.is_success, answer.text
    hostile.have_ended(hostile.enter(1), ("refused",) if type in OF_OTHERS else ("done",))
