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
from security.town import Owner, Town
from support import forms
from support.rubbish import envelope, strew
from support.waiting import eventually

PAYMENT_SECRET = "whsec_c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh"
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
CALLED = {"name": f"{SECRETIVE} calls", "type": "webhook", "pipeline": "sales", "stage": "production"}
ROW = {"name": f"{SECRETIVE} table", "quantity": "1", "price": 120_000}


@dataclass(frozen=True)
class Estate:
    """`ids` by what they are of; some are codes or tokens."""

    town: Town
    tenant: UUID
    ids: dict[str, str]

    def id(self, service: str, name: str) -> str:
        """What is called so in the service or anywhere; else the name itself."""
        return self.ids.get(f"{service} {name}", self.ids.get(name, name))

    def person(self, *roles: str) -> dict[str, str]:
        return self.town.person(self.tenant, *roles, sub=self.ids["head"])

    async def ask(self, service: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As an admin, whose role includes all others."""
        return await self.town.ask(
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
        answer = await self.town.ask(service, "GET", path, self.person("admin"))
        assert answer.is_success, answer.text
        return answer.json()

    def nonce(self) -> str:
        """Of the form, which somebody opened a while ago."""
        key = self.town.premises["trigger-service"].credentials.secrets.secrets_key
        return forms.nonce(key, self.ids["form"])

    async def rows(self) -> dict[str, str]:
        return await self.town.rows(self.tenant)


async def furnish(town: Town) -> Estate:
    """A furniture shop after a busy day; nothing is under way any more but a rule that waits half an hour."""
    tenant = uuid4()
    documents = read(EXAMPLE, {"PAYMENT_SECRET": PAYMENT_SECRET})
    answers = await asyncio.to_thread(apply, documents, Owner(town, tenant), lambda _, __: None)
    ids = {
        "head": answers["employee/head_of_sales"]["id"],
        "manager": answers["employee/manager"]["id"],
        "form": answers["form/site"]["path"].rpartition("/")[2],
        "provider": answers["payment-provider/bank"]["path"].rpartition("/")[2],
        "tenant": str(tenant),
    }
    estate = Estate(town, tenant, ids)
    await _set_up(estate)
    await _meet_client(estate)
    await _work(estate)
    await _await_automation(estate)
    await _put_letters_aside(estate)
    await _settle(estate)
    return estate


async def _set_up(estate: Estate) -> None:
    for kind in ("number", "money", "datetime", "date", "file", "user", "boolean"):
        await estate.put(f"/v1/fields/deal/a_{kind}", {"name": kind, "type": kind})
    made = await estate.ask("doc-service", "PUT", "/v1/templates/act", TEMPLATE)
    assert made.is_success, made.text
    made = await estate.ask("trigger-service", "PUT", "/v1/triggers/called", CALLED)
    estate.ids["hook"] = made.json()["webhook_path"].rpartition("/")[2]
    for kind, code in (("variables", "visits"), ("constants", "signer")):
        made = await estate.ask("rule-engine", "PUT", f"/v1/{kind}/{code}", {"type": "string", "value": SECRETIVE})
        assert made.is_success, made.text
    opted_out = await estate.ask("comms-service", "PUT", "/v1/opt-outs/+447700900999", {"note": SECRETIVE})
    assert opted_out.is_success, opted_out.text


async def _meet_client(estate: Estate) -> None:
    answers = {"name": f"Alex {SECRETIVE}", "phone": PHONE, "email": EMAIL, "wish": f"{SECRETIVE} table"}
    answers["_nonce"] = estate.nonce()
    sent = await estate.town.ask("trigger-service", "POST", f"/f/{estate.ids['form']}", json=answers)
    estate.ids["arrival"] = sent.json()["arrival_id"]

    async def deal() -> Any:
        return (await estate.get("entity-service", "/v1/items?kind=deal"))["items"]

    found = (await eventually(deal, "the deal"))[0]
    estate.ids["item"], estate.ids["contact"] = found["id"], found["contact_ids"][0]


async def _work(estate: Estate) -> None:
    ids, item = estate.ids, f"/v1/items/{estate.ids['item']}"
    ids["company"] = (await estate.make("entity-service", "/v1/companies", {"title": f"{SECRETIVE} Hotels"}))["id"]
    await estate.put(f"{item}/company", {"company_id": ids["company"]})
    await estate.put(f"{item}/products", {"rows": [ROW]})
    await estate.make("entity-service", f"{item}/activities", {"kind": "call", "subject": f"Called {SECRETIVE}"})
    task = {"name": f"Measure {SECRETIVE}", "assignee_id": ids["manager"]}
    ids["task"] = (await estate.make("entity-service", f"{item}/tasks", task))["id"]
    ids["payment"] = (await estate.make("entity-service", f"{item}/invoices", {}))["payment_id"]
    made = await estate.town.ask(
        "doc-service", "POST", f"/v1/files?name={SECRETIVE}.txt", estate.person("agent"), content=SECRETIVE.encode()
    )
    ids["file"] = made.json()["file"]["file_id"]
    ids["nobody"] = str(new_id())


async def _await_automation(estate: Estate) -> None:
    """An SMS, a waiting rule, a document with its mail, a notification."""
    ids = estate.ids
    deal = {
        "kind": "deal",
        "title": f"{SECRETIVE} chair",
        "contact_ids": [ids["contact"]],
        "responsible_id": ids["manager"],
    }
    ids["printed"] = (
        await estate.make("entity-service", "/v1/items", deal | {"stage": "document_preparation", "pipeline": "sales"})
    )["id"]
    hasty = (await estate.make("entity-service", "/v1/items", deal))["id"]
    run, rule = await _waiting(estate, hasty)
    await estate.make("rule-engine", f"/v1/runs/{run}/rules/{rule}/run-now", {})
    ids["run"], ids["rule"] = await _waiting(estate, ids["item"])
    ids["document"] = (await _listed(estate, "doc-service", f"/v1/documents?item_id={ids['printed']}"))["id"]
    ids["message"] = (await _listed(estate, "comms-service", f"/v1/messages?item_id={ids['printed']}"))["id"]
    ids["notification"] = (await _listed(estate, "comms-service", "/v1/notifications"))["id"]
    link = await estate.make("doc-service", f"/v1/documents/{ids['document']}/links", {})
    ids["link"] = link["public_link"].rpartition("/")[2]


async def _waiting(estate: Estate, item: str) -> tuple[str, str]:
    """The rule that waits, once it does."""

    async def look() -> tuple[str, str] | None:
        waiting = (await estate.get("rule-engine", f"/v1/runs?item_id={item}&state=waiting"))["items"]
        return (waiting[0]["run_id"], waiting[0]["rule_id"]) if waiting else None

    found = await eventually(look, "a rule that waits")
    assert found is not None
    return found


async def _listed(estate: Estate, service: str, path: str) -> Any:
    async def look() -> Any:
        return (await estate.get(service, path))["items"]

    return (await eventually(look, path))[0]


async def _put_letters_aside(estate: Estate) -> None:
    """A dead letter in every service, and an order about none of them."""
    kafka = estate.town.premises["entity-service"].kafka
    for topic, kind in BROKEN:
        changes = {"ce_type": kind.encode(), "ce_id": str(new_id()).encode()}
        await strew(kafka, topic.name, 0, (b"k", SECRETIVE.encode(), envelope(estate.tenant, **changes)))
    for service in SERVICES:
        estate.ids[f"{service} letter"] = (await _listed(estate, service, "/v1/dead-letters"))["id"]
        none = {"filter": {"topic": "nothing"}, "reason": SECRETIVE}
        estate.ids[f"{service} letter order"] = (await estate.make(service, "/v1/dead-letters/discards", none))["id"]


async def _settle(estate: Estate) -> None:
    """Waits until messages are delivered and nothing is under way."""

    async def settled() -> bool:
        messages = (await estate.get("comms-service", "/v1/messages"))["items"]
        under_way = (await estate.get("rule-engine", "/v1/runs?state=running"))["items"]
        ends = {"email": "accepted", "sms": "delivered"}
        return not under_way and all(message["status"] == ends[message["kind"]] for message in messages)

    await eventually(settled, "quiet")
    seen: list[dict[str, str]] = []

    async def unchanged() -> bool:
        seen.append(await estate.rows())
        return len(seen) > 3 and seen[-1] == seen[-3]

    await eventually(unchanged, "rows that stay the same")
