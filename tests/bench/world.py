"""Where the bench takes place: servers of its own with durable settings, and a shop in a real entity-service."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import entity_service
from contracts.envelope import Envelope
from contracts.kit.clock import utc_now
from contracts.messages.entity_events import StageChanged
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS
from contracts.values import ItemSnapshot
from entity_service.settings import Settings
from local_stack.report import Report
from local_stack.servers import Kafka, Postgres, Temporal
from local_stack.testing import PrivateServers
from local_stack.topics import create_topics
from support.messages import fact
from support.processes import Program
from support.service_environment import ServiceEnvironment, open_service_environment

STAGES = ("new", "talks", "offer", "waiting")
IMPORTED_AT_ONCE = 1000


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, object]) -> AsyncGenerator[None]:
    """Does the work while the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@dataclass(frozen=True)
class World:
    """The servers, started when somebody asks for them; `report` tells what is under way.

    `waiting` and `due_at_once` say how much the timers carry, `simulated` how many items are simulated: full size takes
    longer than a person waits.
    """

    servers: PrivateServers
    folder: Path
    report: Report
    waiting: int
    due_at_once: int
    simulated: int

    @cached_property
    def postgres(self) -> Postgres:
        return self.servers.postgres()

    @cached_property
    def kafka(self) -> Kafka:
        return self.servers.kafka()

    @cached_property
    def temporal(self) -> Temporal:
        return self.servers.temporal()

    @asynccontextmanager
    async def service_environment(self, service: str) -> AsyncGenerator[ServiceEnvironment]:
        """A database of its own for a service, and all topics."""
        await create_topics(self.kafka.address, [*TOPICS, *DEAD_LETTER_TOPICS])
        async with open_service_environment(
            self.postgres.dsn, self.kafka.address, service, self.folder
        ) as service_environment:
            yield service_environment


@dataclass(frozen=True)
class Shop:
    """One tenant with a pipeline and a client, in an entity-service that runs as a process of its own."""

    service_environment: ServiceEnvironment
    settings: Settings
    tenant: UUID
    contact: UUID
    service: Program

    async def closes(self) -> None:
        """The service ends; its database stays."""
        await self.service.stop()

    async def deals(self, count: int) -> list[UUID]:
        """So many new deals of the client, in a stage without rules."""
        deal = {"kind": "deal", "title": "An oak table", "stage": "offer", "contact_ids": [str(self.contact)]}
        made: list[UUID] = []
        while len(made) < count:
            rows = [deal] * min(count - len(made), IMPORTED_AT_ONCE)
            answer = await self.ask("POST", "/v1/items/import", {"items": rows})
            made += [UUID(id) for id in answer["ids"]]
        return made

    async def ask(self, method: str, path: str, body: Any, **headers: str) -> Any:
        async with self.service_environment.caller(self.tenant, "admin") as admin:
            answer = await admin.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


@asynccontextmanager
async def open_shop(world: World) -> AsyncGenerator[Shop]:
    """The service is up and running."""
    async with world.service_environment("entity-service") as service_environment:
        settings = await service_environment.settle(entity_service, Settings, database_pool=10)
        service = Program("entity_service", settings, log=world.folder / "entity-service.log")
        await service.start()
        try:
            await service.ready()
            yield await _furnished(service_environment, settings, service)
        finally:
            await service.stop()


async def _furnished(service_environment: ServiceEnvironment, settings: Settings, service: Program) -> Shop:
    tenant = uuid4()
    bare = Shop(service_environment, settings, tenant, tenant, service)
    stages = [{"code": code, "name": code.title()} for code in STAGES]
    await bare.ask("PUT", "/v1/tenant", {"name": "Shop", "time_zone": "Europe/Berlin", "language": "en"})
    await bare.ask("PUT", "/v1/pipelines/sales", {"name": "Sales", "kind": "deal", "stages": stages})
    ada = {"first_name": "Ada", "last_name": "Bell", "emails": [{"address": "ada@example.org"}]}
    contact = await bare.ask("POST", "/v1/contacts", ada)
    return replace(bare, contact=UUID(contact["id"]))


def stage_changed(tenant: UUID, item: UUID, stage: str, at: datetime | None = None) -> Envelope[StageChanged]:
    """The first event of a deal, as entity-service would tell it."""
    moment = at or utc_now()
    deal = ItemSnapshot(
        id=item,
        kind="deal",
        title="An oak table",
        pipeline="sales",
        stage=stage,
        version=1,
        entry_seq=1,
        contact_ids=(item,),
        fields={"wood": "oak", "delivery_on": "2026-09-01", "colours": ["white", "green"]},
        created_at=moment,
        updated_at=moment,
    )
    entered = StageChanged(
        item=deal,
        entry_seq=1,
        from_pipeline=None,
        from_stage=None,
        to_pipeline="sales",
        to_stage=stage,
        origin="user",
        changed_by="ada",
        at=moment,
    )
    return fact(entered, tenant, item, at=moment)
