"""The authoring API on a real PostgreSQL; entity-service only at its HTTP boundary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Response
from pydantic import SecretStr

import rule_engine
from contracts.contexts import TenantSchema
from contracts.kit.clock import new_id
from contracts.kit.database import Database, migrate
from contracts.kit.service import Service
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import create_database, drop_database
from local_stack.ports import free_port
from rule_engine.api import rule_sets, rule_types
from rule_engine.gateway import EntityService
from rule_engine.rules import REGISTRY
from rule_engine.settings import Settings
from rule_engine.store.rule_sets import RuleSets
from support.serving import serving
from support.shop import SCHEMA

type Tenants = Callable[..., httpx.AsyncClient]


class EntityStandIn:
    """`GET /internal/schema/{tenant}`, from what a test sets."""

    def __init__(self) -> None:
        self.schema: TenantSchema = SCHEMA
        self.away = False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """What happens once, while somebody waits for the next answer."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/schema/{tenant}")
        async def schema(tenant: UUID) -> Response:
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await meanwhile()
            own = self.schema.model_copy(update={"tenant_id": tenant})
            return Response(own.model_dump_json(), 503 if self.away else 200, media_type="application/json")

        return app


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    made = Credentials(tmp_path_factory.mktemp("authoring") / "credentials")
    made.prepare(["rule-engine"])
    return made


@pytest_asyncio.fixture(scope="session")
async def settings(postgres: str, credentials: Credentials) -> AsyncIterator[Settings]:
    database = await create_database(postgres, "rule-engine", f"authoring_{uuid4().hex[:12]}")
    made = Settings(
        database_url=SecretStr(database.app_url),
        database_owner_url=SecretStr(database.owner_url),
        database_pool=5,
        kafka_bootstrap="localhost:1",
        auth_jwks_file=credentials.jwks_file,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
        service_token_file=credentials.service_token_file("rule-engine"),
        temporal_address="localhost:1",
        entity_service_url=f"http://127.0.0.1:{free_port()}",
    )
    await asyncio.to_thread(migrate, made, Path(rule_engine.__file__).parent / "migrations")
    yield made
    await drop_database(postgres, database.name)


@pytest_asyncio.fixture(scope="session")
async def stand_in(settings: Settings) -> AsyncIterator[EntityStandIn]:
    made = EntityStandIn()
    async with serving(made.app(), int(settings.entity_service_url.rpartition(":")[2])):
        yield made


@pytest.fixture
def entity(stand_in: EntityStandIn) -> Iterator[EntityStandIn]:
    """The stand-in; what a test changes of it is undone."""
    yield stand_in
    stand_in.schema, stand_in.away = SCHEMA, False


@pytest_asyncio.fixture(scope="session")
async def service(settings: Settings) -> AsyncIterator[Service]:
    made = Service("rule-engine", settings)
    await made.database.open()
    yield made
    await made.database.close()


@pytest.fixture
def database(service: Service) -> Database:
    return service.database


@pytest_asyncio.fixture(scope="session")
async def call(
    service: Service, settings: Settings, stand_in: EntityStandIn, credentials: Credentials
) -> AsyncIterator[Tenants]:
    """A client of the API for a tenant and roles."""
    entities = EntityService(settings)
    routers = [rule_sets.router(service, entities, RuleSets(), REGISTRY), rule_types.router(REGISTRY)]
    transport = httpx.ASGITransport(service.app("rule-engine", routers))

    def client(tenant: UUID, *roles: str) -> httpx.AsyncClient:
        token = credentials.token(roles or ("author",), tenant, "ada")
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="http://engine", headers=headers)

    yield client
    await entities.close()


@pytest.fixture
def tenant() -> UUID:
    return new_id()


@pytest.fixture
def author(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant)
