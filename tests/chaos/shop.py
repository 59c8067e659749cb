"""The shop that chaos comes over: a new tenant, set up from the documents; not every client can be reached."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from chaos.callers import Caller
from chaos.expected import Clients, Rule, read_rules
from local_stack.apply import Services, apply, read
from local_stack.stack import Stack

DOCUMENTS = Path(__file__).parent / "documents"
CLIENTS = 12
FORMS = tuple(
    ("trigger-service", f"submissions_per_{window}") for window in ("form_and_minute", "hour", "recipient_and_day")
)
MANY = (
    ("comms-service", "messages_per_recipient_and_day"),
    ("entity-service", "items_by_rules_per_hour"),
    *FORMS,
)
"""Quotas that a run of chaos uses up."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One tenant, audited; `asked` is what was done from outside and must have come to something."""

    tenant: UUID
    seller: Caller
    head: Caller
    visitor: Caller
    seller_id: str
    form: str
    webhook: str
    callback: str
    rules: Sequence[Rule]
    contacts: Sequence[str]
    clients: Clients
    asked: "Asked" = field(default_factory=lambda: Asked())


@dataclass
class Asked:
    """What the driver has set going."""

    titles: list[str] = field(default_factory=list)
    """Of deals, by hand or by form."""
    entries: set[tuple[str, int]] = field(default_factory=set)
    """Items and the numbers of entries that a service has confirmed."""
    payments: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Arrivals that answered a call of the webhook."""
    votes: dict[str, list[str]] = field(default_factory=dict)
    """Answers that were confirmed, by assignment."""


async def open_shop(stack: Stack, life: AsyncExitStack) -> Shop:
    """Raises ApplyError or StackError; `life` closes the callers."""
    tenant = uuid4()
    documents = read(DOCUMENTS, {"PAYMENT_SECRET": stack.credentials.secrets.payment_secret})
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        answers = apply(documents, services, lambda _, __: None)
    await allow_much(stack, tenant)
    head, seller = (str(answers[f"employee/{code}"]["id"]) for code in ("head", "seller"))

    async def caller(*token: str) -> Caller:
        return await life.enter_async_context(Caller(stack.addresses, *token))

    agent = await caller(stack.credentials.token(["agent"], tenant, seller))
    contacts = [await _contact(agent, number) for number in range(CLIENTS)]
    await agent.send("PUT", "comms-service", f"/v1/opt-outs/{_email(1)}", json={})
    return Shop(
        tenant=tenant,
        seller=agent,
        head=await caller(stack.credentials.token(["operator", "author"], tenant, head)),
        visitor=await caller(),
        seller_id=seller,
        form=str(answers["form/site"]["path"]),
        webhook=str(answers["trigger/ordered"]["webhook_path"]),
        callback=str(answers["payment-account/bank"]["callback_url"]),
        rules=read_rules([one.spec for one in documents if one.kind == "rule-set"]),
        contacts=contacts,
        clients=Clients(frozenset({UUID(contacts[0])}), frozenset({UUID(contacts[1])})),
    )


async def allow_much(stack: Stack, tenant: UUID, quotas: Sequence[tuple[str, str]] = MANY) -> None:
    """A few clients and one tenant get what a whole city would in a year."""
    async with Caller(stack.addresses, stack.credentials.platform_token("chaos")) as platform:
        for service, quota in quotas:
            path = f"/internal/quotas/{tenant}/{quota}"
            await platform.send("PUT", service, path, json={"limit": 1_000_000})


async def _contact(agent: Caller, number: int) -> str:
    """The first has no phone; the second opts out."""
    phones = [{"number": f"+4477009001{number:02}"}] if number else []
    body = {"first_name": f"Client {number}", "phones": phones, "emails": [{"address": _email(number)}]}
    return str((await agent.post("entity-service", "/v1/contacts", body))["id"])


def _email(number: int) -> str:
    return f"client{number}@clients.example"
