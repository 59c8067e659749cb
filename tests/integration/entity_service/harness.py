"""entity-service on real servers, and what tests need to use it and to watch what it says."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

import entity_service
from contracts import topics
from contracts.contexts import ContextResponse
from contracts.envelope import Body, Envelope
from contracts.messages.results import CommandDone, CommandRefused, FinalResult
from entity_service.main import build_app
from entity_service.settings import Settings
from local_stack.credentials import ROLES
from support import messages
from support.kafka_probe import KafkaProbe, open_kafka_probe
from support.quotas import allow
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import ServiceTransport

STAGES = (
    {"code": "new", "name": "New"},
    {"code": "talks", "name": "Talks"},
    {"code": "offer", "name": "Offer"},
    {"code": "won", "name": "Won", "outcome": "won"},
    {"code": "lost", "name": "Lost", "outcome": "lost"},
)


PUBLISHED = (topics.ENTITY_EVENTS, topics.ENTITY_RESULTS, topics.COMMS_COMMANDS, topics.RULE_COMMANDS)


@dataclass(frozen=True)
class Harness:
    """The running service and its surroundings, shared by all tests."""

    service_environment: ServiceEnvironment
    kafka_probe: KafkaProbe
    http: httpx.AsyncClient

    def tenant(self) -> "Tenant":
        return Tenant(self, uuid4())

    async def send(self, *commands: Envelope[Any]) -> None:
        await self.kafka_probe.publish(topics.ENTITY_COMMANDS, *commands)

    async def internal(self, method: str, path: str, **what: Any) -> httpx.Response:
        return await self.http.request(method, path, headers=self.service_environment.as_service(method, path), **what)


@dataclass(frozen=True)
class Tenant:
    """One tenant, as an admin of his own sees it."""

    harness: Harness
    id: UUID
    subject: str = "somebody"

    async def ask(
        self, method: str, path: str, body: Any = None, *, roles: Sequence[str] = ROLES, **headers: str
    ) -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        return await self.ask_raw(method, path, content, roles=roles, **headers)

    async def ask_raw(
        self, method: str, path: str, content: bytes, *, roles: Sequence[str] = ROLES, **headers: str
    ) -> httpx.Response:
        names = {name.replace("_", "-"): text for name, text in headers.items()} | {"content-type": "application/json"}
        names |= self.harness.service_environment.authorization(self.id, *roles, sub=self.subject)
        return await self.harness.http.request(method, path, content=content, headers=names)

    async def get(self, path: str) -> Any:
        return ok(await self.ask("GET", path))

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        return ok(await self.ask("POST", path, body, **headers))

    async def put(self, path: str, body: Any) -> Any:
        return ok(await self.ask("PUT", path, body))

    async def patch(self, path: str, body: Any, if_match: str = "*") -> Any:
        return ok(await self.ask("PATCH", path, body, if_match=if_match))

    async def open(self) -> "Tenant":
        """Settings and the usual pipelines."""
        await self.put("/v1/tenant", {"name": "Shop", "time_zone": "Europe/Berlin", "language": "en"})
        for code, kind in (("sales", "deal"), ("installation", "deal"), ("leads", "lead"), ("invoices", "invoice")):
            await self.put(f"/v1/pipelines/{code}", {"name": code.title(), "kind": kind, "stages": STAGES})
        return self

    async def deal(self, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.post("/v1/items", {"kind": "deal", "title": "Oak table", **values})
        return made

    async def move(self, item: dict[str, Any], stage: str, if_match: str = "*", **more: str) -> httpx.Response:
        return await self.ask("PUT", f"/v1/items/{item['id']}/stage", {"stage": stage, **more}, if_match=if_match)

    async def handle(self, body: Body, **more: Any) -> FinalResult:
        """Sends a command and waits for its result."""
        sent = self.order(body, **more)
        await self.harness.send(sent)
        return (await self.results(sent.command_id))[0]

    def order(self, body: Body, **more: Any) -> Envelope[Body]:
        return messages.order(body, self.id, getattr(body, "item_id", self.id), **more)

    async def done(self, body: Body, **more: Any) -> dict[str, Any]:
        answer = await self.handle(body, **more)
        assert isinstance(answer, CommandDone), answer
        return answer.outputs

    async def refused(self, body: Body, **more: Any) -> str:
        answer = await self.handle(body, **more)
        assert isinstance(answer, CommandRefused), answer
        return answer.reason

    async def may_have(self, quota: str, limit: int) -> None:
        """Has the platform set a limit."""
        await allow(self.harness.http, self.harness.service_environment, self.id, quota, limit)

    async def results(self, command_id: UUID, count: int = 1) -> list[FinalResult]:
        return await self.harness.kafka_probe.results(command_id, count)

    async def events[B: Body](self, kind: type[B], count: int = 1) -> list[Envelope[B]]:
        """At least so many events of a kind, in the order they were heard."""
        return await self.harness.kafka_probe.hears(self.id, kind, count)

    def heard[B: Body](self, kind: type[B]) -> list[Envelope[B]]:
        return self.harness.kafka_probe.said(self.id, kind)


def ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json() if response.content else None


async def contexts(harness: Harness, *items: tuple[Tenant, dict[str, Any]], **more: Any) -> ContextResponse:
    """What `/internal/contexts` answers about items of tenants."""
    refs = [{"tenant_id": str(tenant.id), "item_id": item["id"]} for tenant, item in items]
    answer = await harness.internal("POST", "/internal/contexts", json={"items": refs, **more})
    return ContextResponse.model_validate(ok(answer))


@asynccontextmanager
async def open_harness(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[Harness]:
    """The service in this process."""
    async with (
        open_service_environment(postgres, kafka, "entity-service", folder) as service_environment,
        open_kafka_probe(kafka, PUBLISHED) as kafka_probe,
    ):
        settings = await service_environment.settle(entity_service, Settings)
        app = build_app(settings)
        transport = ServiceTransport(app, settings)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=service_environment.url, timeout=60) as http,
        ):
            yield Harness(service_environment, kafka_probe, http)
