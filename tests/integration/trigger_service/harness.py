"""trigger-service on real servers, and what tests need to talk to it and to watch what it says."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

import trigger_service
from contracts.envelope import Body, Cause, Envelope
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import Database
from contracts.messages.entity_events import PaymentChanged
from contracts.messages.results import FinalResult
from contracts.topics import ENTITY_COMMANDS, ENTITY_RESULTS, TRIGGER_EVENTS
from contracts.values import Money
from integration.trigger_service.stand_in import ShopStandIn
from local_stack.ports import free_port
from support import forms
from support.kafka_probe import KafkaProbe, open_kafka_probe
from support.messages import answer, fact
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import ServiceTransport, serving
from support.waiting import eventually
from trigger_service import main
from trigger_service.jobs import Housekeeping
from trigger_service.settings import Settings

FORM = {
    "name": "Order",
    "fields": [
        {"name": "name", "label": "Name", "required": True, "target": "contact.name"},
        {"name": "phone", "label": "Phone", "type": "phone", "target": "contact.phone"},
        {"name": "product", "label": "Product"},
    ],
    "pipeline": "sales",
    "title": "Order: {product}",
    "allowed_origins": ["https://shop.example"],
}
PAID = {"name": "Paid", "type": "invoice_paid", "pipeline": "sales", "stage": "prepayment"}


@dataclass
class Harness:
    """The running service with its neighbours."""

    app: FastAPI
    settings: Settings
    service_environment: ServiceEnvironment
    entity: ShopStandIn
    kafka_probe: KafkaProbe

    def tenant(self) -> "Tenant":
        return Tenant(self, uuid4())

    async def keep_house(self) -> None:
        """What the service does once an hour."""
        database = Database(self.settings, service="trigger-service")
        await database.open()
        try:
            await Housekeeping(database, utc_now, timedelta(days=self.settings.submission_days)).once()
        finally:
            await database.close()

    async def answer(self, command: Envelope[Any], result: FinalResult) -> None:
        """The result of a command, as entity-service publishes it."""
        await self.kafka_probe.publish(ENTITY_RESULTS, answer(command, result, source="entity-service"))


@dataclass
class Tenant:
    """One tenant's view: its own API client and messages. Every test has tenants of its own."""

    harness: Harness
    id: UUID

    async def call(self, method: str, path: str, *, role: str | None = "admin", **request: Any) -> httpx.Response:
        """Through the API; `role` null sends no token, as the public does."""
        token = self.harness.service_environment.authorization(self.id, role) if role else {}
        headers = {**request.pop("headers", {}), **token}
        address = request.pop("address", f"10.{'.'.join(str(byte) for byte in self.id.bytes[:3])}")
        transport = ServiceTransport(self.harness.app, self.harness.settings, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://triggers.example") as client:
            return await client.request(method, path, headers=headers, **request)

    async def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self.call("PUT", f"/v1/{path}", json=body)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    def nonce(self, path: str, ago: timedelta = forms.A_MINUTE) -> str:
        """As the form's page had it when somebody opened it that long ago."""
        return forms.nonce(self.harness.service_environment.credentials.secrets.secrets_key, path, ago)

    async def post(self, path: str, body: dict[str, Any], **request: Any) -> httpx.Response:
        """To a public address."""
        return await self.call("POST", path, role=None, json=body, **request)

    async def submit(self, path: str, body: dict[str, Any], **request: Any) -> httpx.Response:
        """By somebody who opened the form a minute ago, unless the body has another `_nonce`."""
        return await self.post(path, {"_nonce": self.nonce(path), **body}, **request)

    async def arrivals(self, query: str = "") -> list[dict[str, Any]]:
        response = await self.call("GET", f"/v1/arrivals?{query}", role="viewer")
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["items"]
        return found

    async def said[B: Body](self, kind: type[B], count: int = 1) -> list[Envelope[B]]:
        """Waits until there are `count` messages of a class; all there are then."""
        return await self.harness.kafka_probe.hears(self.id, kind, count)

    async def verdict(self, arrival: str, verdict: str) -> dict[str, Any]:
        """Waits until an arrival has this verdict."""

        async def look() -> dict[str, Any]:
            response = await self.call("GET", f"/v1/arrivals/{arrival}", role="viewer")
            found: dict[str, Any] = response.json()
            return found if found["verdict"] == verdict else {}

        return await eventually(look, f"the verdict {verdict}")

    def paid(self, item: UUID, amount: int = 5000, causepath: tuple[Cause, ...] = ()) -> Envelope[PaymentChanged]:
        data = PaymentChanged(
            payment_id=new_id(),
            item_id=item,
            invoice_id=item,
            status="paid",
            previous="pending",
            amount=Money(amount=amount, currency="EUR"),
            at=utc_now(),
        )
        return fact(data, self.id, item, causes=causepath)


@asynccontextmanager
async def open_harness(postgres: str, kafka: str, folder: Path, **settings: Any) -> AsyncGenerator[Harness]:
    """The service in this process, with `settings` of its own; tenants tell tests apart."""
    entity = ShopStandIn()
    async with (
        open_service_environment(postgres, kafka, "trigger-service", folder) as service_environment,
        serving(entity.app(), free_port()) as entity_url,
        open_kafka_probe(kafka, (ENTITY_COMMANDS, TRIGGER_EVENTS)) as kafka_probe,
    ):
        key = SecretStr(service_environment.credentials.secrets.secrets_key)
        own = {"entity_service_url": entity_url, "secrets_key": key, **settings}
        read = await service_environment.settle(trigger_service, Settings, **own)
        app = main.build_app(read)
        async with app.router.lifespan_context(app):
            yield Harness(app, read, service_environment, entity, kafka_probe)
