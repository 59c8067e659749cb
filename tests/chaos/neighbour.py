"""The bad neighbour: a tenant beside the audited ones who writes hostile values wherever a value can be written.

It publishes what is accepted and moves items so that its rules run. That something is refused (4xx) is as it should be;
that a service answers with a defect, or leaves one of its rules without an end, is a finding.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import httpx

from chaos.callers import AWAY, Caller, Json
from local_stack.apply import Services, apply, read
from local_stack.peers.peer import signature
from local_stack.stack import Stack
from support.hostile_params import QUIET
from support.hostility import CONTACT, ITEM, PIPELINES, STAGES, TENANT, Draws, Write

AT_ONCE = 2
PAUSE_S = (0.1, 0.5)
RULES_OF_ALL = 0.6
"""The share of attempts that are rules; the rest are requests of all kinds."""
RULES_TRIED = 3
"""Most hostile rules are refused; what is accepted is what tells."""
KEPT = 50
"""Items that are moved again."""
CLIENTS = 4
SHOWN = 1_500
OVERDUE = timedelta(minutes=1)


class Neighbour:
    """One tenant. `counts` says what became of what it tried, `defects` what services should never have answered."""

    def __init__(self, owner: Caller, visitor: Caller, draws: Draws, seed: str, tenant: UUID, secret: str) -> None:
        self.tenant = tenant
        self.owner = owner
        self.counts: Counter[str] = Counter()
        self.defects: list[str] = []
        self._visitor = visitor
        self._draws = draws
        self._secret = secret
        self._random = Random(f"{seed}/neighbour")
        self._published: Mapping[str, dict[str, Json]] = {code: {} for code in PIPELINES}
        self._publishing = {code: asyncio.Lock() for code in PIPELINES}
        self._items: list[str] = []
        self._ids: dict[str, str] = {}

    async def settle_in(self, addresses: Mapping[str, str]) -> None:
        """Sound clients, a first item with an invoice. `addresses` are the form's, the hook's, the provider's."""
        self._ids |= addresses
        self._ids["nonce"] = (await self._visitor.get("trigger-service", addresses["form"]))["nonce"]
        await self._make_item(PIPELINES[0], QUIET, ITEM)
        invoice = {"amount": {"amount": 1_000, "currency": "EUR"}}
        made = await self.owner.post("entity-service", f"/v1/items/{self._ids['item']}/invoices", invoice)
        self._ids["payment"] = made["payment_id"]

    async def live(self, until: asyncio.Event) -> None:
        """Tries one thing after the other."""

        async def try_things() -> None:
            while not until.is_set():
                await self.try_something()
                await asyncio.sleep(self._random.uniform(*PAUSE_S))

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(try_things())

    async def try_something(self) -> None:
        """A rule that runs if it is accepted, or a request; and an item goes into a stage with rules."""
        if self._random.random() < RULES_OF_ALL:
            await self.try_rule()
        else:
            write, value = self._draws.write()
            await self._send(write, value)
        await self._move()

    async def try_rule(self) -> None:
        """Publishes a rule in some stage; an item enters the stage whether or not one was accepted."""
        pipeline, stage = self._random.choice(PIPELINES), self._random.choice(STAGES)
        for _ in range(RULES_TRIED):
            if await self._publish(pipeline, stage):
                break
        if not await self._make_item(pipeline, stage, self._draws.item()):
            await self._make_item(pipeline, stage, ITEM)

    async def _publish(self, pipeline: str, stage: str) -> bool:
        async with self._publishing[pipeline]:
            stages = self._published[pipeline]
            wanted = stages | {stage: {"rules": [self._draws.rule()]}}
            body = {"pipeline": pipeline, "publish": True, "stages": wanted}
            answer = await self._send(Write("rule-engine", "PUT", f"/v1/rule-sets/{pipeline}", body))
            if answer is not None and answer.is_success:
                stages[stage] = wanted[stage]
                self.counts["rules published"] += 1
                return True
            if answer is not None and answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                stages.clear()
            return False

    async def _make_item(self, pipeline: str, stage: str, draft: Json) -> bool:
        """With a client of its own: a rule may delete both."""
        client = await self._send(Write("entity-service", "POST", "/v1/contacts", self._client()))
        if client is None or not client.is_success:
            return False
        self._ids["contact"] = client.json()["id"]
        body = draft | {"pipeline": pipeline, "stage": stage, "contact_ids": [self._ids["contact"]]}
        answer = await self._send(Write("entity-service", "POST", "/v1/items", body))
        if answer is None or not answer.is_success:
            return False
        self._ids["item"] = answer.json()["id"]
        self._items = [*self._items, self._ids["item"]][-KEPT:]
        self.counts["items made"] += 1
        return True

    def _client(self) -> Json:
        client: Json = CONTACT | {
            "emails": [{"address": f"client{self._random.randrange(CLIENTS)}@neighbours.example"}]
        }
        return client

    async def _move(self) -> None:
        item, stage = self._random.choice(self._items), self._random.choice(STAGES)
        answer = await self._send(Write("entity-service", "PUT", f"/v1/items/{item}/stage", {"stage": stage}))
        self.counts["items moved"] += answer is not None and answer.is_success

    async def _send(self, write: Write, value: str = "") -> httpx.Response | None:
        """One try, since what is hostile need not arrive; null when nobody answered, as happens under faults."""
        path = write.path.format(value=quote(value[:2_000], safe="", errors="surrogatepass"), **self._ids)
        caller = self._visitor if write.open else self.owner
        headers = {"Content-Type": "application/json", "If-Match": "*", "Idempotency-Key": str(uuid4())}
        query = {name: _utf8(value) for name, value in (write.query or {}).items()}
        content = self._content(write)
        if write.signed:
            headers |= signature(self._secret, headers["Idempotency-Key"], content.decode())
        answer = await caller.attempt(write.method, write.part, path, content=content, params=query, headers=headers)
        self._note(write, path, answer)
        return answer

    def _content(self, write: Write) -> bytes:
        """The body with the ids of the item and the payment that it names, and the form's nonce."""
        content = write.content() or b""
        for name in ("item", "payment", "nonce"):
            content = content.replace(b"{%b}" % name.encode(), self._ids.get(name, "").encode())
        return content

    def _note(self, write: Write, path: str, answer: httpx.Response | None) -> None:
        if answer is None or answer.status_code in AWAY:
            self.counts["unanswered"] += 1
        elif answer.is_server_error:
            self.counts["defects"] += 1
            tried = f"{write.method} {path[:200]} {write.query or ''} {str(write.body)[:SHOWN]!a}"
            self.defects.append(f"{write.part} answered {answer.status_code} to {tried}: {answer.text[:300]}")
        else:
            self.counts["accepted" if answer.is_success else "refused"] += 1

    # how it ends

    async def endings(self) -> Counter[str]:
        """How many of its rules are in which state."""
        return Counter([one["state"] async for one in self.owner.list("rule-engine", "/v1/runs")])

    async def unfinished(self) -> list[str]:
        """Rules that neither ended nor wait for a date to come, and ends without a reason."""
        now = datetime.now(UTC)
        runs = self.owner.list("rule-engine", "/v1/runs")
        return [_told(one, fault) async for one in runs if (fault := end_fault(one, now))]


def _utf8(value: object) -> str:
    return str(value).encode(errors="replace").decode()[:2_000]


def end_fault(rule: Json, now: datetime) -> str | None:
    """Why a rule, as `/v1/runs` lists it, is not well; null when it ended, or waits for what it says."""
    due = datetime.fromisoformat(rule["due_at"]) if rule["due_at"] else None
    match rule["state"]:
        case "planned" | "running":
            return "never ended"
        case "waiting" if due is not None and due < now - OVERDUE:
            return f"has been due since {due}"
        case "waiting" if due is None and not rule["reason"]:
            return "waits for nothing"
        case "failed" | "refused" | "cancelled" | "skipped" if not rule["reason"]:
            return "has no reason"
    return None


def _told(rule: Json, fault: str) -> str:
    return f"the neighbour's {rule['type']} of run {rule['run_id']} {fault}: {rule['state']} ({rule['reason']})"


async def open_neighbour(stack: Stack, life: AsyncExitStack, seed: str, *, hostile: bool = True) -> Neighbour:
    """A new tenant with one of everything; not `hostile`, it does as much and means well. `life` closes its callers."""
    tenant = uuid4()
    token = stack.credentials.token(["admin"], tenant, "owner")
    secret = stack.credentials.secrets.payment_secret
    documents = read(TENANT, {"PAYMENT_SECRET": secret})
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        answers = await asyncio.to_thread(apply, documents, services, lambda _, __: None)
    owner = await life.enter_async_context(Caller(stack.addresses, token))
    visitor = await life.enter_async_context(Caller(stack.addresses))
    draws = await asyncio.to_thread(Draws, seed, hostile=hostile)
    neighbour = Neighbour(owner, visitor, draws, seed, tenant, secret)
    await neighbour.settle_in(
        {
            "form": str(answers["form/site"]["path"]),
            "hook": str(answers["trigger/called"]["webhook_path"]),
            "provider": urlsplit(answers["payment-account/bank"]["callback_url"]).path,
        }
    )
    return neighbour
