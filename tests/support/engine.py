"""The rule engine among real servers: PostgreSQL, Kafka, Temporal; entity-service only at its HTTP boundary."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, Response
from pydantic import SecretStr
from starlette.types import ASGIApp
from temporalio.client import Client

from contracts.catalogue import TYPES
from contracts.contexts import (
    ContactContext,
    ContextRequest,
    ContextResponse,
    EmployeeContext,
    ItemContext,
    MyCompany,
    Phone,
    PipelineContext,
    PipelineSchema,
    StageContext,
    TenantSchema,
    TenantSettings,
)
from contracts.envelope import Body, Envelope, Record, decode, event
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import migrate
from contracts.messages.entity_events import ItemDeleted, StageChanged
from contracts.messages.results import CommandDone, CommandRefused, FinalResult, result_id
from contracts.topics import (
    COMMS_COMMANDS,
    COMMS_RESULTS,
    DEAD_LETTER_TOPICS,
    DOC_COMMANDS,
    ENTITY_COMMANDS,
    ENTITY_EVENTS,
    RULE_EVENTS,
    TOPICS,
    Topic,
    item_key,
)
from contracts.values import ItemSnapshot
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import create_database, drop_database
from local_stack.ports import HOST, free_port
from local_stack.topics import create_topics
from rule_engine import main
from rule_engine.main import build_app
from rule_engine.settings import Settings
from support.serving import ready, serving
from support.waiting import eventually

STAGES = ("new", "paid", "won", "lost")
ZONE = "Europe/Rome"


@dataclass
class EntityStandIn:
    """What the engine asks entity-service on `/internal`, from contexts that a test sets."""

    contexts: dict[UUID, ItemContext] = field(default_factory=dict)
    away: bool = False
    asked: int = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/contexts")
        async def contexts(request: ContextRequest) -> Response:
            self.asked += 1
            if self.away:
                return Response(status_code=503)
            found = [self.contexts[ref.item_id] for ref in request.items if ref.item_id in self.contexts]
            missing = [ref for ref in request.items if ref.item_id not in self.contexts]
            answer = ContextResponse(contexts=tuple(found), missing=tuple(missing))
            return Response(answer.model_dump_json(), media_type="application/json")

        @app.get("/internal/schema/{tenant}")
        async def schema(tenant: UUID) -> Response:
            if self.away:
                return Response(status_code=503)
            return Response(tenant_schema(tenant).model_dump_json(), media_type="application/json")

        return app


def tenant_schema(tenant: UUID) -> TenantSchema:
    stages = tuple(StageContext(code=code, name=code.title(), position=i) for i, code in enumerate(STAGES))
    sales = PipelineSchema(code="sales", name="Sales", kind="deal", stages=stages)
    return TenantSchema(
        tenant_id=tenant, tenant=TenantSettings(name="A shop", time_zone=ZONE), pipelines=(sales,), fields=()
    )


@dataclass
class Site:
    """An engine's servers and neighbours; several engines may be started on it, one after another or together."""

    settings: Settings
    superuser_dsn: str
    credentials: Credentials
    entity: EntityStandIn
    producer: AIOKafkaProducer
    temporal: Client
    seen: list[tuple[str, Envelope[Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def engine(self, app: ASGIApp | None = None) -> AsyncGenerator[None]:
        """A running engine in this process."""
        async with serving(app or build_app(self.settings), self.settings.http_port):
            await ready(self.settings.http_port)
            yield

    def caller(self, tenant: UUID, *roles: str) -> httpx.AsyncClient:
        token = self.credentials.token(roles or ("admin",), tenant, "ada")
        url = f"http://{HOST}:{self.settings.http_port}"
        return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """As the superuser, whom row-level security does not bind."""
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

    async def watch(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            envelope = decode(record.headers, record.value)
            body = TYPES[envelope.type].model_validate_json(envelope.data)
            self.seen.append((record.topic, envelope.with_data(body)))


@dataclass
class Deal:
    """One deal of a tenant of its own, as its events tell of it."""

    site: Site
    tenant: UUID = field(default_factory=new_id)
    item: UUID = field(default_factory=new_id)
    entry_seq: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    activity_count: int = 0
    causepath: tuple[Any, ...] = ()

    def snapshot(self, stage: str) -> ItemSnapshot:
        return ItemSnapshot(
            id=self.item,
            kind="deal",
            title="An oak table",
            pipeline="sales",
            stage=stage,
            version=self.entry_seq,
            entry_seq=self.entry_seq,
            activity_count=self.activity_count,
            fields=self.fields,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            updated_at=utc_now(),
        )

    def see(self, stage: str) -> None:
        """Makes the stand-in answer with the deal as it is now."""
        self.site.entity.contexts[self.item] = ItemContext(
            tenant_id=self.tenant,
            tenant=TenantSettings(name="A shop", time_zone=ZONE),
            item=self.snapshot(stage),
            contact=_ADA,
            contacts=(_ADA,),
            responsible=_SAM,
            supervisor=_KIM,
            stage=StageContext(code=stage, name=stage.title(), position=0),
            pipeline=PipelineContext(code="sales", name="Sales"),
            my_company=MyCompany(name="A shop"),
            read_at=utc_now(),
        )

    async def enters(self, stage: str, *, tell: bool = True, at: datetime | None = None) -> Envelope[StageChanged]:
        """The deal enters a stage; returns the event, which is published unless a test will do so itself."""
        self.entry_seq += 1
        moment = at or utc_now()
        self.see(stage)
        moved = event(
            StageChanged(
                item=self.snapshot(stage),
                entry_seq=self.entry_seq,
                from_pipeline=None,
                from_stage=None,
                to_pipeline="sales",
                to_stage=stage,
                origin="user",
                changed_by="ada",
                at=moment,
            ),
            source="entity-service",
            id=new_id(),
            tenant=self.tenant,
            key=item_key(self.tenant, self.item),
            time=moment,
        )
        if tell:
            await self.site.publish(ENTITY_EVENTS, moved)
        return moved

    async def is_deleted(self) -> None:
        self.site.entity.contexts.pop(self.item)
        gone = ItemDeleted(item_id=self.item, version=99, deleted_by="ada", at=utc_now())
        key = item_key(self.tenant, self.item)
        await self.site.publish(
            ENTITY_EVENTS,
            event(gone, source="entity-service", id=new_id(), tenant=self.tenant, key=key, time=utc_now()),
        )

    async def has_rules(self, stages: dict[str, list[dict[str, Any]]]) -> None:
        """Publishes a rule set of the tenant, through the API."""
        document = {"pipeline": "sales", "stages": {code: {"rules": rules} for code, rules in stages.items()}}
        async with self.site.caller(self.tenant) as author:
            answer = await author.put("/v1/rule-sets/sales", json=document | {"publish": True})
        assert answer.is_success, answer.text

    def commands(self, kind: type[Body] | None = None) -> list[Envelope[Any]]:
        """The commands seen for the deal, one per command id, in order of their first publication."""
        found: dict[str, Envelope[Any]] = {}
        for topic, message in self.site.seen:
            if (
                topic in _COMMANDS
                and message.tenant == self.tenant
                and (kind is None or isinstance(message.data, kind))
            ):
                found.setdefault(message.id, message)
        return list(found.values())

    async def command(self, kind: type[Body], number: int = 1) -> Envelope[Any]:
        """The n-th command of a kind, when it is there."""

        async def look() -> list[Envelope[Any]]:
            return self.commands(kind)[number - 1 :]

        return (await eventually(look, f"{kind.__name__} number {number}"))[0]

    async def answer(self, command: Envelope[Any], result: FinalResult) -> None:
        """The owner's final result, as it would publish it."""
        message = Envelope(
            id=str(result_id(command.command_id, 0)),
            source="comms-service",
            type=result.TYPE,
            time=utc_now(),
            tenant=self.tenant,
            key=command.key,
            data=result,
            correlation=command.correlation,
            causation=command.id,
            issuer=command.issuer,
        )
        await self.site.publish(COMMS_RESULTS, message)

    async def is_done(self, command: Envelope[Any], **outputs: Any) -> None:
        await self.answer(command, CommandDone(command_id=command.command_id, outputs=outputs))

    async def is_refused(self, command: Envelope[Any], reason: str) -> None:
        await self.answer(command, CommandRefused(command_id=command.command_id, reason=reason))

    async def automation(self) -> dict[str, Any]:
        """The automation view; empty as long as the engine has not heard of the deal."""
        with suppress(httpx.TransportError):
            async with self.site.caller(self.tenant, "viewer") as viewer:
                answer = await viewer.get(f"/v1/automation/items/{self.item}")
                return answer.json() if answer.is_success else {}
        return {}

    async def rules(self, entry_seq: int | None = None) -> dict[str, dict[str, Any]]:
        """The rules of an entry (by default the last) by name, as the automation view shows them."""
        wanted = entry_seq or self.entry_seq
        entries = [entry for stage in (await self.automation()).get("stages", []) for entry in stage["entries"]]
        return {rule["name"]: rule for e in entries if e["entry_seq"] == wanted for rule in e["rules"]}

    async def reaches(self, rule: str, state: str, entry_seq: int | None = None) -> dict[str, Any]:
        """The rule, once it is in that state."""

        async def look() -> dict[str, Any] | None:
            found = (await self.rules(entry_seq)).get(rule)
            return found if found and found["state"] == state else None

        found = await eventually(look, f"{rule} {state}")
        assert found is not None
        return found

    async def order(self, rule: dict[str, Any], action: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async with self.site.caller(self.tenant, "operator") as operator:
            return await operator.post(f"/v1/runs/{rule['run_id']}/rules/{rule['rule_id']}/{action}", json=body)


_COMMANDS = {ENTITY_COMMANDS.name, DOC_COMMANDS.name, COMMS_COMMANDS.name}
_ADA = ContactContext(
    id=uuid4(),
    first_name="Ada",
    last_name="Bell",
    name="Ada Bell",
    phones=(Phone(number="+390212345678"),),
    phone="+390212345678",
)
_SAM = EmployeeContext(id=uuid4(), name="Sam", first_name="Sam")
_KIM = EmployeeContext(id=uuid4(), name="Kim", first_name="Kim")


@asynccontextmanager
async def open_site(postgres: str, kafka: str, temporal: str, folder: Path) -> AsyncIterator[Site]:
    """A database, the topics and a stand-in; everything gone afterwards."""
    database = await create_database(postgres, "rule-engine", f"engine_{uuid4().hex[:12]}")
    await create_topics(kafka, [*TOPICS, *DEAD_LETTER_TOPICS])
    credentials = Credentials(folder / "credentials")
    credentials.prepare(["rule-engine"])
    entity = EntityStandIn()
    async with AsyncExitStack() as stack:
        entity_url = await stack.enter_async_context(serving(entity.app(), free_port()))
        settings = _settings(database.app_url, database.owner_url, kafka, temporal, entity_url, credentials)
        await asyncio.to_thread(migrate, settings, _MIGRATIONS)
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka, acks="all"))
        client = await Client.connect(temporal)
        superuser = postgres.rpartition("/")[0] + f"/{database.name}"
        site = Site(settings, superuser, credentials, entity, producer, client)
        watching = asyncio.create_task(site.watch(await _consumer(stack, kafka)))
        yield site
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await drop_database(postgres, database.name)


_MIGRATIONS = Path(main.__file__).parent / "migrations"


def _settings(
    app_url: str, owner_url: str, kafka: str, temporal: str, entity_url: str, credentials: Credentials
) -> Settings:
    return Settings(
        http_port=free_port(),
        database_url=SecretStr(app_url),
        database_owner_url=SecretStr(owner_url),
        database_pool=6,
        kafka_bootstrap=kafka,
        auth_jwks_file=credentials.jwks_file,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
        service_token_file=credentials.service_token_file("rule-engine"),
        temporal_address=temporal,
        temporal_task_queue=f"rule-engine-{uuid4().hex[:8]}",
        entity_service_url=entity_url,
        sweep_every=timedelta(seconds=0.5),
        overdue_after=timedelta(seconds=2),
        drain_s=15,
        graceful_shutdown=timedelta(seconds=1),
    )


async def _consumer(stack: AsyncExitStack, kafka: str) -> AIOKafkaConsumer:
    topics: Sequence[str] = [*_COMMANDS, RULE_EVENTS.name]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="latest")
    return await stack.enter_async_context(consumer)
