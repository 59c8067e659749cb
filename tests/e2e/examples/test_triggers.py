"""Every trigger type's example on one running stack: what moves an item, what does not, and what comes twice."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.waiting import until
from trigger_service.triggers.examples import load_examples
from trigger_service.triggers.registry import TRIGGER_TYPES

pytestmark = [pytest.mark.e2e, pytest.mark.verify]

EXAMPLES = load_examples()
PIPELINE = "arrivals"
PRINT = {"name": "print", "type": "create_document", "params": {"template": "invoice", "public_link": True}}


@dataclass(frozen=True)
class Case:
    """A deal that waits, and its client's phone."""

    shop: Shop
    deal: str
    phone: str
    hook: str

    def stage(self) -> str:
        return str(self.shop.manager.get("entity-service", f"/v1/items/{self.deal}")["stage"])

    def verdicts(self) -> list[str]:
        arrivals = self.shop.manager.list("trigger-service", "/v1/arrivals", item_id=self.deal)
        return [arrival["verdict"] for arrival in arrivals]

    def left_by(self, trigger: str) -> bool:
        """Whether an arrival says that this trigger let it be."""
        arrivals = self.shop.manager.list("trigger-service", "/v1/arrivals")
        notes = [(note["trigger"], note["verdict"]) for arrival in arrivals for note in arrival["triggers"]]
        return (trigger, "not_matched") in notes or (trigger, "condition_false") in notes


def submit_form(case: Case, facts: Mapping[str, Any]) -> None:
    visitor, form = case.shop.visitor, case.shop.form
    page = visitor.send("GET", "trigger-service", form, headers={"Accept": "application/json"}).json()
    time.sleep(page["min_age_s"])  # a person needs longer to fill it in
    answers = {"name": "Alex Client", "phone": case.phone, "_nonce": page["nonce"], **facts}
    for _ in range(2):
        visitor.send("POST", "trigger-service", form, data=answers)


def call_hook(case: Case, facts: Mapping[str, Any]) -> None:
    for _ in range(2):
        key = {"Idempotency-Key": case.deal}
        case.shop.visitor.send("POST", "trigger-service", case.hook, json={"item_id": case.deal, **facts}, headers=key)


def pay(case: Case, facts: Mapping[str, Any]) -> None:
    amount = {"amount": facts["amount"], "currency": "EUR"}
    made = case.shop.manager.post("entity-service", f"/v1/items/{case.deal}/invoices", {"amount": amount})
    paid = amount | {"times": 2, "callback_url": case.shop.payment_callback}
    case.shop.visitor.post("payments", f"/payments/{made['payment_id']}/pay", paid)


def view_document(case: Case, facts: Mapping[str, Any]) -> None:
    manager = case.shop.manager

    def ready() -> list[dict[str, Any]]:
        documents = manager.list("doc-service", "/v1/documents", item_id=case.deal)
        return [document for document in documents if document["status"] == "ready"]

    until(lambda: bool(ready()), "the document")
    link = manager.post("doc-service", f"/v1/documents/{ready()[0]['id']}/links", {})["public_link"]
    path = link.removeprefix(case.shop.visitor.url("doc-service", ""))
    for _ in range(2):
        case.shop.visitor.send("GET", "doc-service", path)


OCCURS: Mapping[str, Callable[[Case, Mapping[str, Any]], None]] = {
    "form_submitted": submit_form,
    "webhook": call_hook,
    "invoice_paid": pay,
    "document_viewed": view_document,
}


@dataclass(frozen=True)
class Stage:
    """A shop with the examples' triggers, and the address of the webhook's."""

    shop: Shop
    hook: str


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    """A pipeline with a stage for each trigger type, by its name; in the first one a document is made."""
    stack.start(["all"])
    with closing(open_shop(stack)) as shop:
        stages = [{"code": code, "name": code} for code in ("waiting", *EXAMPLES)]
        shop.owner.put("entity-service", f"/v1/pipelines/{PIPELINE}", {"name": "A", "kind": "deal", "stages": stages})
        rules = {"pipeline": PIPELINE, "stages": {"waiting": {"rules": [PRINT]}}, "publish": True}
        shop.owner.put("rule-engine", f"/v1/rule-sets/{PIPELINE}", rules)
        triggers = {type: put_trigger(shop, type) for type in EXAMPLES}
        yield Stage(shop, str(triggers["webhook"]["webhook_path"]))


def put_trigger(shop: Shop, type: str) -> Mapping[str, Any]:
    example = EXAMPLES[type]
    spec: dict[str, Any] = {"name": example.title, "type": type, "pipeline": PIPELINE, "stage": type}
    spec |= {"settings": example.settings, "condition": example.condition}
    answer: Mapping[str, Any] = shop.owner.put("trigger-service", f"/v1/triggers/example_{type}", spec)
    return answer


def enter(stage: Stage, phone: str, facts: Mapping[str, Any]) -> Case:
    """A deal of a new client in the first stage."""
    client = {"first_name": "Alex", "last_name": "Client", "phones": [{"number": phone}]}
    shop = stage.shop
    contact = shop.manager.post("entity-service", "/v1/contacts", client)["id"]
    deal = {"kind": "deal", "title": facts.get("title", "Oak table"), "pipeline": PIPELINE, "contact_ids": [contact]}
    deal |= {"amount": {"amount": 250_000, "currency": "EUR"}}
    id = str(shop.manager.post("entity-service", "/v1/items", deal)["id"])
    return Case(shop, id, phone, stage.hook)


def test_every_trigger_type_has_an_example() -> None:
    assert EXAMPLES.keys() == TRIGGER_TYPES.keys() == OCCURS.keys()


@pytest.mark.parametrize(("number", "type"), list(enumerate(EXAMPLES)))
def test_what_the_example_is_about_moves_the_item_once(stage: Stage, number: int, type: str) -> None:
    example = EXAMPLES[type]
    case = enter(stage, f"+39333100000{number}", example.given)
    OCCURS[type](case, example.given)
    until(lambda: case.stage() == type, f"the item to move ({example.title})")
    until(lambda: "pending" not in case.verdicts(), "all arrivals to be settled")
    assert case.verdicts().count("moved") == 1


@pytest.mark.parametrize(("number", "type"), list(enumerate(EXAMPLES)))
def test_what_the_condition_or_the_settings_exclude_leaves_it_and_says_so(stage: Stage, number: int, type: str) -> None:
    example = EXAMPLES[type]
    case = enter(stage, f"+39333200000{number}", example.passed_over)
    OCCURS[type](case, example.passed_over)
    until(lambda: case.left_by(f"example_{type}"), "the arrival to be explained")
    assert case.stage() == "waiting"


def test_a_form_of_somebody_on_the_exceptions_list_is_kept_and_says_why_no_item_came_of_it(stage: Stage) -> None:
    shop, phone = stage.shop, "+393335000000"
    shop.manager.send("PUT", "entity-service", f"/v1/exceptions/{phone}", json={"note": "a machine"})
    submit_form(Case(shop, "", phone, stage.hook), EXAMPLES["form_submitted"].given)

    def reasons() -> list[str]:
        return [
            one["reason"] for one in shop.manager.list("trigger-service", "/v1/arrivals") if one["verdict"] == "refused"
        ]

    until(lambda: any("is on the exceptions list" in reason for reason in reasons()), "the submission to be refused")
    assert shop.manager.list("entity-service", "/v1/contacts", phone=phone) == []
