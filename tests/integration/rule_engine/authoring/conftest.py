"""The authoring API on a real PostgreSQL; entity-service only at its HTTP boundary."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

import rule_engine
from contracts.kit.clock import new_id
from contracts.kit.database import Database
from contracts.kit.service import Service
from integration.rule_engine.authoring.engine import MORNING, Engine, Watch
from local_stack.ports import free_port
from rule_engine.api import (
    automation,
    backfills,
    decisions,
    employees,
    rule_set_orders,
    rule_sets,
    rule_types,
    variables,
)
from rule_engine.application.authoring import Authoring
from rule_engine.application.open_runs import OpenRuns
from rule_engine.gateway import EntityService, NamedThings, TriggerService
from rule_engine.jobs import Applying
from rule_engine.rules import REGISTRY
from rule_engine.settings import Settings
from rule_engine.store import Store
from support.entity import EntityStandIn, NamedStandIn, TriggersStandIn
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import serving
from support.shop import SCHEMA

type Tenants = Callable[..., httpx.AsyncClient]

NOWHERE = "localhost:1"


@pytest_asyncio.fixture(scope="package")
async def service_environment(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServiceEnvironment]:
    async with open_service_environment(
        postgres, NOWHERE, "rule-engine", tmp_path_factory.mktemp("authoring")
    ) as opened:
        yield opened


@pytest_asyncio.fixture(scope="package")
async def stand_in() -> AsyncIterator[tuple[EntityStandIn, str]]:
    made = EntityStandIn(SCHEMA)
    async with serving(made.app(), free_port()) as url:
        yield made, url


@pytest.fixture
def entity(stand_in: tuple[EntityStandIn, str]) -> Iterator[EntityStandIn]:
    """The stand-in; what a test changes of it is undone."""
    made, _ = stand_in
    yield made
    made.schema, made.away = SCHEMA, False


@pytest_asyncio.fixture(scope="package")
async def triggers_stand_in() -> AsyncIterator[tuple[TriggersStandIn, str]]:
    made = TriggersStandIn()
    async with serving(made.app(), free_port()) as url:
        yield made, url


@pytest.fixture
def triggers(triggers_stand_in: tuple[TriggersStandIn, str]) -> Iterator[TriggersStandIn]:
    """Trigger-service; what a test changes of it is undone."""
    made, _ = triggers_stand_in
    yield made
    made.triggers, made.away = (), False


@pytest_asyncio.fixture(scope="package")
async def named_stand_in() -> AsyncIterator[tuple[NamedStandIn, str]]:
    made = NamedStandIn()
    async with serving(made.app(), free_port()) as url:
        yield made, url


@pytest.fixture
def named(named_stand_in: tuple[NamedStandIn, str]) -> Iterator[NamedStandIn]:
    """Doc-service and comms-service; what a test changes of them is undone."""
    made, _ = named_stand_in
    yield made
    made.templates, made.channels, made.away = NamedStandIn().templates, NamedStandIn().channels, False


@pytest_asyncio.fixture(scope="package")
async def settings(
    service_environment: ServiceEnvironment,
    stand_in: tuple[EntityStandIn, str],
    triggers_stand_in: tuple[TriggersStandIn, str],
    named_stand_in: tuple[NamedStandIn, str],
) -> Settings:
    urls = {"entity_service_url": stand_in[1], "trigger_service_url": triggers_stand_in[1]}
    urls |= {"doc_service_url": named_stand_in[1], "comms_service_url": named_stand_in[1]}
    return await service_environment.settle(rule_engine, Settings, temporal_address=NOWHERE, **urls)


@pytest_asyncio.fixture(scope="package")
async def service(settings: Settings) -> AsyncIterator[Service]:
    made = Service("rule-engine", settings)
    await made.database.open()
    yield made
    await made.database.close()


@pytest.fixture
def database(service: Service) -> Database:
    return service.database


@pytest_asyncio.fixture(scope="package")
async def entities(settings: Settings) -> AsyncIterator[EntityService]:
    made = EntityService(settings)
    yield made
    await made.close()


@pytest.fixture(scope="package")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def engine(service: Service, entities: EntityService, entity: EntityStandIn, watch: Watch) -> Engine:
    """An engine whose watch begins in the morning of 2 March 2026."""
    watch.now = MORNING
    return Engine(service.database, entities, entity, watch)


@pytest_asyncio.fixture(scope="package")
async def app(service: Service, settings: Settings, entities: EntityService, watch: Watch) -> AsyncIterator[FastAPI]:
    """The authoring API."""
    triggers, store = TriggerService(settings), Store.create()
    named = NamedThings(settings)
    authoring = Authoring(service.database, store.rule_sets, entities, triggers, named, REGISTRY, watch, new_id)
    reading = rule_sets.Reading(service.database, store.rule_sets)
    applying = Applying(service.database, store, entities, OpenRuns(), service.clock)
    routers = [
        rule_sets.router(authoring, reading),
        rule_set_orders.router(authoring, reading),
        rule_types.router(REGISTRY),
        backfills.router(service, store, applying),
        employees.router(service.database, store.rule_sets),
        decisions.router(service.database, store.decisions, watch),
        variables.router(service, entities, store.rule_sets, REGISTRY),
        automation.router(service.database, store, entities),
    ]
    yield service.app("rule-engine", routers)
    await triggers.close()
    await named.close()


@pytest.fixture(scope="package")
def call(app: FastAPI, service_environment: ServiceEnvironment) -> Tenants:
    """A client of the API for a tenant and roles."""
    transport = httpx.ASGITransport(app)

    def client(tenant: UUID, *roles: str) -> httpx.AsyncClient:
        headers = service_environment.authorization(tenant, *(roles or ("author",)))
        return httpx.AsyncClient(transport=transport, base_url=service_environment.url, headers=headers)

    return client


@pytest.fixture
def tenant() -> UUID:
    return new_id()


@pytest.fixture
def author(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant)
