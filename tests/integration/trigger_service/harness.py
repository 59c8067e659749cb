"""trigger-service on real servers, and what tests need to talk to it and to watch what it says."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from contracts.catalogue import TYPES
from contracts.envelope import Body, Cause, Envelope, Record, decode, event
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import migrate
from contracts.messages.entity_events import PaymentChanged
from contracts.messages.results import FinalResult, result_id
from contracts.topics import (
    DEAD_LETTER_TOPICS,
    DOC_EVENTS,
    ENTITY_COMMANDS,
    ENTITY_EVENTS,
    ENTITY_RESULTS,
    TRIGGER_EVENTS,
    Topic,
    item_key,
)
from contracts.values import Money
from integration.trigger_service.stand_in import EntityStandIn
from local_stack.databases import create_database, drop_database
from local_stack.topics import create_topics
from trigger_service import main
from trigger_service.settings import Settings

DEADLINE_S = 60.0
ISSUER, AUDIENCE = "https://id.example.com", "stagewright"
SECRET = "whsec_c3RhZ2V3cmlnaHQtaW50ZWdyYXRpb24tdGVzdHM="
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


async def eventually[T](look: Callable[[], Awaitable[T]]) -> T:
    """Polls until `look` gives something true; its last answer otherwise ends the test."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := await look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s; the last answer was {found!r}"
        await asyncio.sleep(0.02)
    return found


class Watch:
    """Collects what the service publishes."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._seen: list[Envelope[Any]] = []

    async def said[B: Body](self, tenant: UUID, body: type[B]) -> list[Envelope[B]]:
        """All messages of one class for one tenant, so far."""
        for records in (await self._consumer.getmany(timeout_ms=100)).values():
            for record in records:
                envelope = decode(record.headers, record.value)
                self._seen.append(envelope.with_data(TYPES[envelope.type].model_validate_json(envelope.data)))
        return [envelope for envelope in self._seen if envelope.tenant == tenant and isinstance(envelope.data, body)]


@dataclass
class Site:
    """The running service with its neighbours."""

    app: FastAPI
    entity: EntityStandIn
    watch: Watch
    producer: AIOKafkaProducer
    superuser_dsn: str
    sign: Callable[[UUID, str], str]

    def tenant(self) -> "Tenant":
        return Tenant(self, uuid4())

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Runs a statement as the superuser, whom row-level security does not bind."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def publish(self, topic: Topic, *messages: Envelope[Any]) -> None:
        for message in messages:
            record = Record.of(message)
            await self.producer.send_and_wait(
                topic.name, key=record.key, value=record.value, headers=list(record.headers)
            )

    async def answer(self, command: Envelope[Any], result: FinalResult) -> None:
        """The result of a command, as its owner publishes it."""
        message = Envelope[Body](
            id=str(result_id(command.command_id, 0)),
            source="entity-service",
            type=result.TYPE,
            time=utc_now(),
            tenant=command.tenant,
            key=command.key,
            data=result,
            correlation=command.correlation,
            causation=command.id,
            issuer=command.issuer,
        )
        await self.publish(ENTITY_RESULTS, message)


@dataclass
class Tenant:
    """One tenant's view: its own API client and messages. Every test has tenants of its own."""

    site: Site
    id: UUID

    async def call(self, method: str, path: str, *, role: str | None = "admin", **request: Any) -> httpx.Response:
        """Through the API; `role` null sends no token, as the public does."""
        headers = dict(request.pop("headers", {}))
        if role is not None:
            headers["authorization"] = f"Bearer {self.site.sign(self.id, role)}"
        address = request.pop("address", f"10.{'.'.join(str(byte) for byte in self.id.bytes[:3])}")
        transport = httpx.ASGITransport(self.site.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://triggers.example") as client:
            return await client.request(method, path, headers=headers, **request)

    async def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self.call("PUT", f"/v1/{path}", json=body)
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def submit(self, path: str, body: dict[str, Any], **request: Any) -> httpx.Response:
        return await self.call("POST", path, role=None, json=body, **request)

    async def report(self, path: str, body: dict[str, Any], **how: Any) -> httpx.Response:
        """A payment provider's callback: `id`, `age` of the signature and `secret` can be chosen."""
        content = orjson.dumps(body).decode()
        id, at = how.get("id", str(uuid4())), utc_now() - how.get("age", timedelta(0))
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(how.get("secret", SECRET)).sign(id, at, content),
        }
        return await self.call("POST", path, role=None, content=content, headers=headers)

    async def arrivals(self, query: str = "") -> list[dict[str, Any]]:
        response = await self.call("GET", f"/v1/arrivals?{query}", role="viewer")
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["items"]
        return found

    async def said[B: Body](self, body: type[B], count: int = 1) -> list[Envelope[B]]:
        """Waits until there are `count` messages of a class; all there are then."""

        async def look() -> list[Envelope[B]]:
            found = await self.site.watch.said(self.id, body)
            return found if len(found) >= count else []

        return await eventually(look)

    async def verdict(self, arrival: str, verdict: str) -> dict[str, Any]:
        """Waits until an arrival has this verdict."""

        async def look() -> dict[str, Any] | None:
            response = await self.call("GET", f"/v1/arrivals/{arrival}", role="viewer")
            found: dict[str, Any] = response.json()
            return found if found["verdict"] == verdict else None

        return await eventually(look) or {}

    def paid(self, item: UUID, amount: int = 5000, causepath: tuple[Cause, ...] = ()) -> Envelope[PaymentChanged]:
        data = PaymentChanged(
            payment_id=new_id(),
            item_id=item,
            status="paid",
            previous="pending",
            amount=Money(amount=amount, currency="EUR"),
            at=utc_now(),
        )
        return event(
            data,
            source="entity-service",
            id=new_id(),
            tenant=self.id,
            key=item_key(self.id, item),
            time=utc_now(),
            causepath=causepath,
        )


@asynccontextmanager
async def make_site(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[Site]:
    """The service on a database of its own; topics are the session's, tenants tell tests apart."""
    database = await create_database(postgres, "trigger-service", f"trigger_{uuid4().hex[:12]}")
    watched = (ENTITY_COMMANDS, TRIGGER_EVENTS)
    await create_topics(kafka, [ENTITY_EVENTS, DOC_EVENTS, ENTITY_RESULTS, *watched, *DEAD_LETTER_TOPICS])
    sign = _make_keys(folder)
    entity = EntityStandIn()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(drop_database, postgres, database.name)
        settings = Settings(
            database_url=SecretStr(database.app_url),
            database_owner_url=SecretStr(database.owner_url),
            kafka_bootstrap=kafka,
            entity_service_url=await stack.enter_async_context(entity.serving()),
            auth_jwks_file=folder / "jwks.json",
            auth_issuer=ISSUER,
            auth_audience=AUDIENCE,
            service_token_file=folder / "token",
            drain_s=10,
            log_level="WARNING",
        )
        await asyncio.to_thread(migrate, settings, Path(main.__file__).parent / "migrations")
        app = main.build_app(settings)
        consumer = await stack.enter_async_context(await _watching(kafka, watched))
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka, acks="all"))
        await stack.enter_async_context(app.router.lifespan_context(app))
        dsn = urlunsplit(urlsplit(postgres)._replace(path=f"/{database.name}"))
        yield Site(app, entity, Watch(consumer), producer, dsn, sign)


async def _watching(kafka: str, watched: tuple[Topic, ...]) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic.name, n) for topic in watched for n in range(topic.partitions)])
    return consumer


def _make_keys(folder: Path) -> Callable[[UUID, str], str]:
    """Writes the key set and the service's own token; gives what signs callers' tokens."""
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "test", "alg": "Ed25519"})
    (folder / "jwks.json").write_bytes(orjson.dumps(KeySet([key]).as_dict(private=False)))

    def sign(tenant: UUID, role: str) -> str:
        expires = int((utc_now() + timedelta(hours=1)).timestamp())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "a-caller", "exp": expires, "tenant": str(tenant)}
        return jwt.encode({"alg": "Ed25519", "kid": "test"}, {**claims, "roles": [role]}, key, algorithms=["Ed25519"])

    (folder / "token").write_text(sign(uuid4(), "service"))
    return sign
