"""A tenant that has one of everything, and the ids by which it can be asked for."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from contracts.kit.clock import new_id
from contracts.topics import COMMS_COMMANDS, DOC_COMMANDS, ENTITY_COMMANDS, ENTITY_EVENTS
from local_stack.addresses import SERVICES
from local_stack.apply import apply, read
from local_stack.demo.shop import EXAMPLE
from security.running_stack import PAYMENT_SECRET, Owner, RunningStack
from support import forms
from support.malformed_records import envelope, strew
from support.waiting import eventually

SECRETIVE = "Quercus"
"""Part of every text that belongs to the tenant: wherever it turns up, something of his has."""
PHONE, EMAIL = "+447700900123", "alex.quercus@example.com"
BROKEN = (
    (ENTITY_COMMANDS, "crm.command.cancel.v1"),
    (DOC_COMMANDS, "crm.command.cancel.v1"),
    (COMMS_COMMANDS, "crm.command.cancel.v1"),
    (ENTITY_EVENTS, "crm.item.stage_changed.v1"),
    (ENTITY_EVENTS, "crm.payment.changed.v1"),
)
"""Topics and types that one of the services each reads, and that each of them reads one of."""
TEMPLATE = {"name": f"{SECRETIVE} act", "source": "Act #json(bytes(sys.inputs.data)).document.number"}
WORKFLOW = {
    "kind": "deal",
    "name": "Welcome",
    "blocks": [{"block": "pause", "name": "a_week", "run": {"when": "after", "days": 7}}],
}
ASKING = {
    "kind": "deal",
    "name": "Asking",
    "blocks": [
        {"block": "action", "name": "code", "type": "create_qr_code", "params": {"title": f"{SECRETIVE} code"}},
        {
            "block": "action",
            "name": "send",
            "type": "create_shipment",
            "params": {"address": f"{SECRETIVE} street"},
        },
        {
            "block": "approve",
            "name": "discount",
            "subject": f"A discount for {SECRETIVE}",
            "voters": ["head_of_sales"],
            "delegation": True,
        },
    ],
}
CALLED = {"name": f"{SECRETIVE} calls", "type": "webhook", "pipeline": "sales", "stage": "production"}
LIST = {
    "title": "Warranties",
    "fields": [
        {"code": "item", "name": "For what", "type": "text"},
        {"code": "months", "name": "Months", "type": "number"},
    ],
}
ROW = {"name": f"{SECRETIVE} table", "quantity": "1", "price": 120_000}


@dataclass(frozen=True)
class SeededTenant:
    """`ids` by what they are of; some are codes or tokens."""

    running_stack: RunningStack
    tenant: UUID
    ids: dict[str, str]

    def id(self, service: str, name: str) -> str:
        """What is called so in the service or anywhere; else the name itself."""
        return self.ids.get(f"{service} {name}", self.ids.get(name, name))

    def person(self, *roles: str) -> dict[str, str]:
        return self.running_stack.person(self.tenant, *roles, sub=self.ids["head"])

    async def ask(self, service: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As an admin, whose role includes all others."""
        return await self.running_stack.ask(
            service, method, path, self.person("admin") | {"If-Match": "*"} | headers, json=body or {}
        )

    async def make(self, service: str, path: str, body: dict[str, Any]) -> Any:
        answer = await self.ask(service, "POST", path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        """Puts something of entity-service."""
        answer = await self.ask("entity-service", "PUT", path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, service: str, path: str) -> Any:
        answer = await self.running_stack.ask(service, "GET", path, self.person("admin"))
        assert answer.is_success, answer.text
        return answer.json()

    def nonce(self) -> str:
        """Of the form, which somebody opened a while ago."""
        key = self.running_stack.service_environment["trigger-service"].credentials.secrets.secrets_key
        return forms.nonce(key, self.ids["form"])

    async def rows(self) -> dict[str, str]:
        return await self.running_stack.rows(self.tenant)


async def furnish(running_stack: RunningStack) -> SeededTenant:
    """A furniture shop after a busy day; nothing is under way any more but a rule that waits half an hour."""
    tenant = uuid4()
    documents = read(EXAMPLE, {"PAYMENT_SECRET": PAYMENT_SECRET})
    answers = await asyncio.to_thread(apply, documents, Owner(running_stack, tenant), lambda _, __: None)
    ids = {
        "head": answers["employee/head_of_sales"]["id"],
        "manager": answers["employee/manager"]["id"],
        "form": answers["form/site"]["path"].rpartition("/")[2],
        "provider": answers["payment-account/bank"]["callback_url"].rpartition("/")[2],
        "tenant": str(tenant),
    }
    seeded_tenant = SeededTenant(running_stack, tenant, ids)
    await _set_up(seeded_tenant)
    await _meet_client(seeded_tenant)
    await _work(seeded_tenant)
    await _await_automation(seeded_tenant)
    await _put_letters_aside(seeded_tenant)
    await _settle(seeded_tenant)
    return seeded_tenant


async def _set_up(seeded_tenant: SeededTenant) -> None:
    for kind in ("number", "money", "datetime", "date", "file", "user", "boolean"):
        await seeded_tenant.put(f"/v1/fields/deal/a_{kind}", {"name": kind, "type": kind})
    await seeded_tenant.put("/v1/item-types/project", {"title": {"en": f"{SECRETIVE} project"}})
    await seeded_tenant.put("/v1/lists/warranties", LIST)
    row = await seeded_tenant.make("entity-service", "/v1/lists/warranties/rows", {"values": {"item": SECRETIVE}})
    seeded_tenant.ids["row"] = row["id"]
    await seeded_tenant.put("/v1/rooms/oak", {"name": f"{SECRETIVE} room"})
    account = {"name": f"{SECRETIVE} account", "provider": "sandbox", "secret": PAYMENT_SECRET}
    await seeded_tenant.put("/v1/payment-accounts/bank", account)
    await seeded_tenant.put("/v1/carriers/courier", account)
    await seeded_tenant.put("/v1/exceptions/+447700900999", {"note": SECRETIVE})
    await seeded_tenant.put("/v1/resources/van", {"name": f"{SECRETIVE} van"})
    made = await seeded_tenant.ask("doc-service", "PUT", "/v1/templates/act", TEMPLATE)
    assert made.is_success, made.text
    made = await seeded_tenant.ask("trigger-service", "PUT", "/v1/triggers/called", CALLED)
    seeded_tenant.ids["hook"] = made.json()["webhook_path"].rpartition("/")[2]
    for kind, code in (("variables", "visits"), ("constants", "signer")):
        made = await seeded_tenant.ask(
            "rule-engine", "PUT", f"/v1/{kind}/{code}", {"type": "string", "value": SECRETIVE}
        )
        assert made.is_success, made.text
    for code, workflow in (("welcome", WORKFLOW), ("asking", ASKING)):
        made = await seeded_tenant.ask("rule-engine", "PUT", f"/v1/workflows/{code}", workflow | {"publish": True})
        assert made.is_success, made.text
    opted_out = await seeded_tenant.ask("comms-service", "PUT", "/v1/opt-outs/+447700900999", {"note": SECRETIVE})
    assert opted_out.is_success, opted_out.text


async def _meet_client(seeded_tenant: SeededTenant) -> None:
    answers = {"name": f"Alex {SECRETIVE}", "phone": PHONE, "email": EMAIL, "wish": f"{SECRETIVE} table"}
    answers["_nonce"] = seeded_tenant.nonce()
    sent = await seeded_tenant.running_stack.ask(
        "trigger-service", "POST", f"/f/{seeded_tenant.ids['form']}", json=answers
    )
    seeded_tenant.ids["arrival"] = sent.json()["arrival_id"]

    async def deal() -> Any:
        return (await seeded_tenant.get("entity-service", "/v1/items?kind=deal"))["items"]

    found = (await eventually(deal, "the deal"))[0]
    seeded_tenant.ids["item"], seeded_tenant.ids["contact"] = found["id"], found["contact_ids"][0]


async def _work(seeded_tenant: SeededTenant) -> None:
    ids, item = seeded_tenant.ids, f"/v1/items/{seeded_tenant.ids['item']}"
    ids["company"] = (await seeded_tenant.make("entity-service", "/v1/companies", {"title": f"{SECRETIVE} Hotels"}))[
        "id"
    ]
    await seeded_tenant.put(f"{item}/company", {"company_id": ids["company"]})
    await seeded_tenant.put(f"{item}/products", {"rows": [ROW]})
    await seeded_tenant.make("entity-service", f"{item}/activities", {"kind": "call", "subject": f"Called {SECRETIVE}"})
    task = {"name": f"Measure {SECRETIVE}", "assignee_id": ids["manager"]}
    ids["task"] = (await seeded_tenant.make("entity-service", f"{item}/tasks", task))["id"]
    meeting = {"name": f"Show {SECRETIVE}", "kind": "meeting", "deadline": "2030-01-03T12:00:00Z", "room": "oak"}
    made = await seeded_tenant.make(
        "entity-service", f"{item}/planned-activities", meeting | {"responsible_id": ids["manager"]}
    )
    ids["planned_activity"] = made["id"]
    await seeded_tenant.make("entity-service", "/v1/employees/manager/calendar/feed", {})
    delivery = {"kind": "resource", "resource": "van", "start": "2030-01-03T12:00:00Z", "minutes": 60}
    ids["booking"] = (await seeded_tenant.make("entity-service", f"{item}/bookings", delivery))["id"]
    ids["payment"] = (await seeded_tenant.make("entity-service", f"{item}/invoices", {}))["payment_id"]
    made = await seeded_tenant.running_stack.ask(
        "doc-service",
        "POST",
        f"/v1/files?name={SECRETIVE}.txt",
        seeded_tenant.person("agent"),
        content=SECRETIVE.encode(),
    )
    ids["file"] = made.json()["file"]["file_id"]
    ids["nobody"] = str(new_id())


async def _await_automation(seeded_tenant: SeededTenant) -> None:
    """An SMS, a waiting rule, a document with its mail, a notification."""
    ids = seeded_tenant.ids
    deal = {
        "kind": "deal",
        "title": f"{SECRETIVE} chair",
        "contact_ids": [ids["contact"]],
        "responsible_id": ids["manager"],
    }
    ids["printed"] = (
        await seeded_tenant.make(
            "entity-service", "/v1/items", deal | {"stage": "document_preparation", "pipeline": "sales"}
        )
    )["id"]
    hasty = (await seeded_tenant.make("entity-service", "/v1/items", deal))["id"]
    run, rule = await _waiting(seeded_tenant, hasty)
    await seeded_tenant.make("rule-engine", f"/v1/runs/{run}/rules/{rule}/run-now", {})
    ids["run"], ids["rule"] = await _waiting(seeded_tenant, ids["item"])
    ids["document"] = (await _listed(seeded_tenant, "doc-service", f"/v1/documents?item_id={ids['printed']}"))["id"]
    ids["message"] = (await _listed(seeded_tenant, "comms-service", f"/v1/messages?item_id={ids['printed']}"))["id"]
    ids["notification"] = (await _listed(seeded_tenant, "comms-service", "/v1/notifications"))["id"]
    start = {"item_id": ids["printed"]}
    ids["workflow_run"] = (await seeded_tenant.make("rule-engine", "/v1/workflows/welcome/runs", start))["id"]
    await _waiting(seeded_tenant, ids["printed"])
    await seeded_tenant.make("rule-engine", "/v1/workflows/asking/runs", start)
    ids["assignment"] = (await _listed(seeded_tenant, "rule-engine", "/v1/assignments"))["id"]
    shipments = f"/v1/items/{ids['printed']}/shipments"
    ids["shipment"] = (await _listed(seeded_tenant, "entity-service", shipments))["id"]
    ids["qr_code"] = (await _listed(seeded_tenant, "doc-service", "/v1/qr-codes"))["id"]
    link = await seeded_tenant.make("doc-service", f"/v1/documents/{ids['document']}/links", {})
    ids["link"] = link["public_link"].rpartition("/")[2]


async def _waiting(seeded_tenant: SeededTenant, item: str) -> tuple[str, str]:
    """The rule that waits, once it does."""

    async def look() -> tuple[str, str] | None:
        waiting = (await seeded_tenant.get("rule-engine", f"/v1/runs?item_id={item}&state=waiting"))["items"]
        return (waiting[0]["run_id"], waiting[0]["rule_id"]) if waiting else None

    found = await eventually(look, "a rule that waits")
    assert found is not None
    return found


async def _listed(seeded_tenant: SeededTenant, service: str, path: str) -> Any:
    async def look() -> Any:
        return (await seeded_tenant.get(service, path))["items"]

    return (await eventually(look, path))[0]


async def _dead_letter(seeded_tenant: SeededTenant, service: str) -> Any:
    running_stack = seeded_tenant.running_stack
    of_tenant = {"tenant": str(seeded_tenant.tenant)}

    async def look() -> Any:
        platform = running_stack.platform()
        answer = await running_stack.ask(service, "GET", "/internal/dead-letters", platform, params=of_tenant)
        return answer.json()["items"]

    return (await eventually(look, f"a dead letter of {service}"))[0]


async def _put_letters_aside(seeded_tenant: SeededTenant) -> None:
    """A dead letter in every service."""
    kafka = seeded_tenant.running_stack.service_environment["entity-service"].kafka
    for topic, kind in BROKEN:
        changes = {"ce_type": kind.encode(), "ce_id": str(new_id()).encode()}
        await strew(kafka, topic.name, 0, (b"k", SECRETIVE.encode(), envelope(seeded_tenant.tenant, **changes)))
    for service in SERVICES:
        seeded_tenant.ids[f"{service} letter"] = (await _dead_letter(seeded_tenant, service))["id"]


async def _settle(seeded_tenant: SeededTenant) -> None:
    """Waits until messages are delivered and nothing is under way."""

    async def settled() -> bool:
        messages = (await seeded_tenant.get("comms-service", "/v1/messages"))["items"]
        under_way = (await seeded_tenant.get("rule-engine", "/v1/runs?state=running"))["items"]
        ends = {"email": "accepted", "sms": "delivered"}
        return not under_way and all(message["status"] == ends[message["kind"]] for message in messages)

    await eventually(settled, "quiet")
    seen: list[dict[str, str]] = []

    async def unchanged() -> bool:
        seen.append(await seeded_tenant.rows())
        return len(seen) > 3 and seen[-1] == seen[-3]

    await eventually(unchanged, "rows that stay the same")
