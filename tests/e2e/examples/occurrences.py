"""How each trigger type's occurrence comes about: what people, clients and providers do on a running stack."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from local_stack.demo.shop import Shop
from support.waiting import until

type Facts = Mapping[str, Any]

ANY = {"If-Match": "*"}


@dataclass(frozen=True)
class Case:
    """A deal, its client's phone, and the address of the webhook's trigger."""

    shop: Shop
    deal: str
    phone: str
    hook: str

    def stage(self) -> str:
        return str(self.shop.manager.get("entity-service", f"/v1/items/{self.deal}")["stage"])

    def arrivals(self, **filters: str) -> list[dict[str, Any]]:
        return self.shop.manager.list("trigger-service", "/v1/arrivals", **filters)

    def verdicts(self) -> list[str]:
        return [arrival["verdict"] for arrival in self.arrivals(item_id=self.deal)]

    def made(self, service: str, path: str) -> dict[str, Any]:
        """What a rule makes for the deal, as soon as it is there."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.shop.manager.list(service, path)
            return bool(found)

        until(look, path)
        return found[0]


def submit_form(case: Case, facts: Facts) -> None:
    visitor, form = case.shop.visitor, case.shop.form
    page = visitor.send("GET", "trigger-service", form, headers={"Accept": "application/json"}).json()
    time.sleep(page["min_age_s"])  # a person needs longer to fill it in
    answers = {"name": "Alex Client", "phone": case.phone, "_nonce": page["nonce"], **facts}
    for _ in range(2):
        visitor.send("POST", "trigger-service", form, data=answers)


def call_hook(case: Case, facts: Facts) -> None:
    for _ in range(2):
        key = {"Idempotency-Key": case.deal}
        case.shop.visitor.send("POST", "trigger-service", case.hook, json={"item_id": case.deal, **facts}, headers=key)


def pay(case: Case, facts: Facts) -> None:
    amount = {"amount": facts["amount"], "currency": "EUR"}
    made = case.shop.manager.post("entity-service", f"/v1/items/{case.deal}/invoices", {"amount": amount})
    paid = amount | {"times": 2, "callback_url": case.shop.payment_callback}
    case.shop.visitor.post("payments", f"/payments/{made['payment_id']}/pay", paid)


def view_document(case: Case, _: Facts) -> None:
    document = case.made("doc-service", f"/v1/documents?item_id={case.deal}")["id"]
    manager = case.shop.manager
    until(lambda: manager.get("doc-service", f"/v1/documents/{document}")["status"] == "ready", "the document")
    link = manager.post("doc-service", f"/v1/documents/{document}/links", {})["public_link"]
    for _n in range(2):
        case.shop.visitor.send("GET", "doc-service", link.removeprefix(case.shop.visitor.url("doc-service", "")))


def scan_code(case: Case, _: Facts) -> None:
    """Its link is in the timeline, where a rule has put it."""
    said = f"/v1/items/{case.deal}/timeline"

    def links() -> list[str]:
        texts = [entry["text"] for entry in case.shop.manager.list("entity-service", said)]
        return [text.removeprefix("Scan ") for text in texts if text.startswith("Scan ")]

    until(lambda: bool(links()), "the code's link")
    base = case.shop.visitor.url("doc-service", "")
    for _n in range(2):
        case.shop.visitor.send("GET", "doc-service", links()[0].removeprefix(base))


def report(said: Facts) -> Callable[[Case, Facts], None]:
    """The carrier reports this of the shipment that a rule has asked for, twice."""

    def occur(case: Case, _: Facts) -> None:
        path = f"/v1/items/{case.deal}/shipments"
        until(lambda: case.made("entity-service", path)["status"] == "planned", "the carrier's answer")
        shipment = case.made("entity-service", path)["id"]
        case.shop.visitor.send("POST", "carriers", f"/shipments/{shipment}/report", json=said)

    return occur


def change(case: Case, body: Facts) -> None:
    case.shop.manager.send("PATCH", "entity-service", f"/v1/items/{case.deal}", json=body, headers=ANY)


def change_amount(case: Case, facts: Facts) -> None:
    change(case, {"amount": {"amount": facts["amount"], "currency": "EUR"}})


def hand_over(case: Case, _: Facts) -> None:
    change(case, {"responsible_id": case.shop.ids["warehouse_worker"]})


def do_task(case: Case, facts: Facts) -> None:
    """Twice; the second time changes nothing."""
    mine = {"name": facts["name"], "assignee_id": case.shop.ids["manager"]}
    task = case.shop.manager.post("entity-service", f"/v1/items/{case.deal}/tasks", mine)["id"]
    for _ in range(2):
        case.shop.manager.send("PATCH", "entity-service", f"/v1/tasks/{task}", json={"status": "done"})


def void_invoice(case: Case, facts: Facts) -> None:
    amount = {"amount": facts["amount"], "currency": "EUR"}
    invoice = case.shop.manager.post("entity-service", f"/v1/items/{case.deal}/invoices", {"amount": amount})
    path = f"/v1/items/{invoice['invoice']['id']}/stage"
    case.shop.manager.send("PUT", "entity-service", path, json={"stage": "void"}, headers=ANY)


def book(case: Case, facts: Facts) -> None:
    """Each case on a day of its own."""
    day = date(2030, 1, 1) + timedelta(days=int(case.phone[-4:]))
    asked = {"kind": "resource", "resource": "van", "start": f"{day}T07:00:00Z", "minutes": 60, **facts}
    case.shop.manager.post("entity-service", f"/v1/items/{case.deal}/bookings", asked)


def nothing(_: Case, __: Facts) -> None:
    """What occurs is a rule's doing."""


OCCURS: Mapping[str, Callable[[Case, Facts], None]] = {
    "form_submitted": submit_form,
    "webhook": call_hook,
    "invoice_paid": pay,
    "payment_received": pay,
    "document_created": nothing,
    "document_viewed": view_document,
    "qr_scanned": scan_code,
    "shipment_allowed": nothing,
    "shipment_tracking": nothing,
    "shipment_shipped": report({"status": "shipped"}),
    "shipment_delivered": report({"status": "delivered"}),
    "order_cancelled": report({"status": "cancelled"}),
    "field_changed": change_amount,
    "responsible_changed": hand_over,
    "task_status": do_task,
    "linked_item_stage": void_invoice,
    "resource_booked": book,
}

PRINT = {"name": "print", "type": "create_document", "params": {"template": "invoice"}}
CODE = {"name": "code", "type": "create_qr_code", "params": {"title": "Care"}}
SAY = {"name": "say", "type": "add_timeline_comment", "params": {"text": "Scan {{ steps.code.scan_link }}"}}
SEND = {"name": "send", "type": "create_shipment", "params": {"address": "Via Esempio 1"}}
ALLOW = {"name": "allow", "type": "allow_delivery", "params": {}}

RULES: Mapping[str, list[dict[str, Any]]] = {
    "document_created": [PRINT],
    "document_viewed": [PRINT],
    "qr_scanned": [CODE, SAY],
    "shipment_allowed": [SEND, ALLOW],
    "shipment_tracking": [SEND],
    "shipment_shipped": [SEND],
    "shipment_delivered": [SEND],
    "order_cancelled": [SEND],
}
"""What rules have to do first."""
