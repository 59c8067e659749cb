"""The authoring API on a real PostgreSQL; entity-service only at its HTTP boundary."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

import rule_engine
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.database import Database
from contracts.kit.outbox import Outbox
from contracts.kit.service import Service
from contracts.topics import RULE_RESULTS
from integration.rule_engine.authoring.engine import MORNING, Deal, Engine, Watch
from local_stack.addresses import OFFSETS
from local_stack.ports import free_port
from rule_engine.api import (
    assignments,
    automation,
    backfills,
    block_types,
    canaries,
    constants,
    decisions,
    diagnosis,
    employees,
    migrations,
    operator_actions,
    replays,
    rule_set_actions,
    rule_sets,
    rule_types,
    runs,
    simulations,
    variables,
    workflow_runs,
    workflow_starts,
    workflow_views,
    workflows,
)
from rule_engine.application.assignments import AssignmentActions
from rule_engine.application.backfills import Backfilling
from rule_engine.application.canaries import CanaryActions
from rule_engine.application.diagnoses import Diagnoses
from rule_engine.application.migrations import Migrating
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.operator_actions import OperatorActions
from rule_engine.application.recorder import Recorder
from rule_engine.application.replays import Replays
from rule_engine.application.rule_set_checks import RuleSetChecks
from rule_engine.application.rule_sets import Authoring
from rule_engine.application.simulated_items import ItemsOfSimulations
from rule_engine.application.simulated_programs import ProgramsOfSimulations
from rule_engine.application.simulations import Simulations
from rule_engine.application.variables import Defining
from rule_engine.application.workflow_actions import WorkflowActions
from rule_engine.application.workflow_runs import WorkflowStarts
from rule_engine.application.workflows import WorkflowAuthoring
from rule_engine.blocks import BLOCKS
from rule_engine.gateway import EntityService, NamedThings, TriggerService
from rule_engine.processes import Processes
from rule_engine.rules import REGISTRY, RUNNABLE
from rule_engine.settings import Settings
from rule_engine.store import Store
from support.entity import EntityStandIn, NamedStandIn, TriggersStandIn
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import serving
from support.shop import SCHEMA, WAREHOUSE

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


@dataclass(frozen=True)
class Neighbours:
    """The other services, at their HTTP boundary."""

    entity: EntityStandIn
    triggers: TriggersStandIn
    named: NamedStandIn
    """Doc-service and comms-service."""
    urls: Sequence[str]


@pytest_asyncio.fixture(scope="package")
async def neighbours() -> AsyncIterator[Neighbours]:
    made = EntityStandIn(SCHEMA), TriggersStandIn(), NamedStandIn()
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(one.app(), free_port())) for one in made]
        yield Neighbours(*made, urls)


@pytest.fixture
def entity(neighbours: Neighbours) -> Iterator[EntityStandIn]:
    """What a test changes of it is undone."""
    yield neighbours.entity
    neighbours.entity.restore()


@pytest.fixture
def triggers(neighbours: Neighbours) -> Iterator[TriggersStandIn]:
    """What a test changes of it is undone."""
    yield neighbours.triggers
    neighbours.triggers.restore()


@pytest.fixture
def named(neighbours: Neighbours) -> Iterator[NamedStandIn]:
    """What a test changes of it is undone."""
    yield neighbours.named
    neighbours.named.restore()


@pytest_asyncio.fixture(scope="package")
async def settings(service_environment: ServiceEnvironment, neighbours: Neighbours) -> Settings:
    entity, triggers, named = neighbours.urls
    return await service_environment.settle(
        rule_engine,
        Settings,
        temporal_address=NOWHERE,
        entity_service_url=entity,
        trigger_service_url=triggers,
        doc_service_url=named,
        comms_service_url=named,
    )


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
    triggers, store = TriggerService(settings), Store.create(BLOCKS)
    named = NamedThings(settings)
    elsewhere = NamedElsewhere(named, service.database)
    checks = RuleSetChecks(service.database, store.rule_sets, entities, triggers, elsewhere, REGISTRY)
    authoring = Authoring(service.database, store.rule_sets, checks, watch, new_id)
    reading = rule_sets.RuleSetReading(service.database, store.rule_sets)
    defining = Defining(service.database, store.rule_sets, entities, REGISTRY, service.clock)
    routers = [
        rule_sets.router(authoring, reading),
        rule_set_actions.router(authoring, reading),
        rule_types.router(REGISTRY),
        backfills.router(service, store, Backfilling(store.backfills, entities)),
        *migrations.routers(service, store, Migrating(store, watch)),
        employees.router(service.database, store.rule_sets, store.workflows),
        decisions.router(service.database, store, watch),
        variables.router(defining),
        constants.router(defining),
        automation.router(service.database, store, entities),
        *in_processes(service.database, store, entities, checks, watch),
        *workflow_routers(service, store, entities, watch, elsewhere, authoring),
    ]
    yield service.app("rule-engine", routers)
    await triggers.close()
    await named.close()


def in_processes(
    database: Database, store: Store, entities: EntityService, checks: RuleSetChecks, watch: Watch
) -> list[APIRouter]:
    """Simulations and replays."""
    items, processes = ItemsOfSimulations(database, store.entries, entities, watch), Processes()
    programs = ProgramsOfSimulations(database, store, checks, REGISTRY, BLOCKS)
    simulating = Simulations(database, store.variables, entities, items, programs, RUNNABLE, processes)
    replaying = Replays(database, store, entities, programs, RUNNABLE, processes, watch)
    return [simulations.router(simulating), replays.router(replaying)]


def workflow_routers(
    service: Service,
    store: Store,
    entities: EntityService,
    watch: Watch,
    elsewhere: NamedElsewhere,
    rule_set_authoring: Authoring,
) -> list[APIRouter]:
    """The API of workflows and of their runs."""
    database = service.database
    made = WorkflowAuthoring(database, store, entities, elsewhere, REGISTRY, BLOCKS, watch, new_id)
    starts = WorkflowStarts(store, entities, OpenRuns(), watch, new_id)
    commands = Commands(service="rule-engine", results=RULE_RESULTS, outbox=Outbox(), clock=watch)
    recorder = Recorder(store, Outbox(), commands, new_id, timedelta(minutes=10))
    answering = AssignmentActions(database, store, recorder, Outbox(), entities, watch, new_id)
    return [
        workflows.router(made, workflows.WorkflowReading(database, store.workflows)),
        block_types.router(BLOCKS, REGISTRY),
        canaries.router(CanaryActions(database, store, watch), rule_set_authoring, made),
        workflow_views.router(workflows.WorkflowReading(database, store.workflows)),
        workflow_starts.router(service, store, starts),
        workflow_runs.router(service, WorkflowActions(database, store, recorder, watch, new_id)),
        operator_actions.router(OperatorActions(database, store, recorder, watch, new_id)),
        assignments.router(database, store.assignments, answering),
        runs.router(database, store),
        diagnosis.router(Diagnoses(database, store, entities, watch, timedelta(minutes=10))),
    ]


@pytest.fixture(scope="package")
def call(app: FastAPI, service_environment: ServiceEnvironment) -> Tenants:
    """A client of the API for a tenant and roles."""
    transport = httpx.ASGITransport(app)

    def client(tenant: UUID, *roles: str, sub: str = "ada") -> httpx.AsyncClient:
        headers = service_environment.authorization(tenant, *(roles or ("author",)), sub=sub)
        return httpx.AsyncClient(transport=transport, base_url=service_environment.url, headers=headers)

    return client


@pytest.fixture
def tenant() -> UUID:
    return new_id()


@pytest.fixture
def author(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant)


@pytest_asyncio.fixture
async def stack_folder(
    app: FastAPI, service_environment: ServiceEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Path]:
    """The folder of a stack whose rule-engine is the API; the command `stack` finds it."""
    port = free_port()
    (tmp_path / "auth").symlink_to(service_environment.credentials.jwks_file.parent)
    monkeypatch.setenv("STACK_DIR", str(tmp_path))
    monkeypatch.setenv("STACK_PORT_BASE", str(port - OFFSETS["rule-engine"]))

    async def opened(scope: Scope, receive: Receive, send: Send) -> None:
        """The service is open already, for all tests."""
        if scope["type"] == "http":
            await app(scope, receive, send)

    async with serving(opened, port):
        yield tmp_path


@pytest.fixture
def deal(engine: Engine, tenant: UUID) -> Deal:
    return Deal(engine, tenant)


@pytest.fixture
def operator(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "operator", sub="olga")


@pytest.fixture
def sam(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "agent", sub=str(next(one.id for one in SCHEMA.employees if one.code == "sam")))


@pytest.fixture
def wes(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "viewer", sub=str(WAREHOUSE.id))
