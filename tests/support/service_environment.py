"""What a service under test is given: a database of its own, keys, and settings that name them."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
from pydantic import SecretStr

from contracts.kit.authorities import trusted_authorities
from contracts.kit.database import migrate
from contracts.kit.internal import is_internal
from contracts.kit.settings import ServiceSettings
from contracts.service_calls import CALLS, ServiceCall
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import Database, create_database, drop_database
from local_stack.ports import HOST, free_port


@dataclass(frozen=True)
class ServiceEnvironment:
    """Those of one service; its base URLs are those of its ports."""

    service: str
    database: Database
    superuser_dsn: str
    kafka: str
    credentials: Credentials
    port: int
    internal_port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def internal_url(self) -> str:
        """Where `/internal`, `/health` and `/metrics` are served."""
        return f"http://{HOST}:{self.internal_port}"

    def url_of(self, path: str) -> str:
        """The whole URL of a path, on the listener that serves it."""
        return self.base_of(path) + path

    def base_of(self, path: str) -> str:
        return self.internal_url if is_internal(path) else self.url

    async def settle[S: ServiceSettings](self, package: ModuleType, kind: type[S], **own: Any) -> S:
        """The settings, `own` among them, of a service whose tables are made."""
        settings = kind(
            http_port=self.port,
            internal_port=self.internal_port,
            database_url=SecretStr(self.database.app_url),
            database_owner_url=SecretStr(self.database.owner_url),
            kafka_bootstrap=self.kafka,
            auth_jwks_file=self.credentials.jwks_file,
            auth_issuer=ISSUER,
            auth_audience=AUDIENCE,
            service_tokens_dir=self.credentials.service_tokens(self.service),
            **{"database_pool": 5, "drain_s": 10, "log_level": "WARNING", **self._of_entity_service(), **own},
        )
        await asyncio.to_thread(migrate, settings, Path(package.__path__[0]) / "migrations")
        return settings

    def _of_entity_service(self) -> dict[str, Any]:
        """What it needs whatever a test is about; other services pass over it."""
        key = SecretStr(self.credentials.secrets.secrets_key)
        return {"secrets_key": key, "public_entity_url": self.url}

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """As the superuser, whom row-level security does not bind."""
        return await run_sql(self.superuser_dsn, statement, *arguments)

    def authorization(self, tenant: UUID, *roles: str, sub: str = "ada") -> dict[str, str]:
        """The header of a person."""
        return {"authorization": f"Bearer {self.credentials.token(roles, tenant, sub)}"}

    def as_service(self, method: str, path: str) -> dict[str, str]:
        """The header of a service that may call this route."""
        return self.as_caller(min(call_of(self.service, method, path).callers))

    def as_caller(self, caller: str) -> dict[str, str]:
        """The header of another service, with a token for this one."""
        return {"authorization": f"Bearer {self.credentials.service_token(caller, self.service, 3600)}"}

    def as_platform(self, sub: str = "olga") -> dict[str, str]:
        """The header of somebody who runs the installation."""
        return {"authorization": f"Bearer {self.credentials.platform_token(sub)}"}

    def caller(self, tenant: UUID, *roles: str, sub: str = "ada") -> httpx.AsyncClient:
        """A client of the API; without roles, one that does not say who it is."""
        headers = self.authorization(tenant, *roles, sub=sub) if roles else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, verify=trusted_authorities())


@asynccontextmanager
async def open_service_environment(
    postgres: str, kafka: str, service: str, folder: Path
) -> AsyncGenerator[ServiceEnvironment]:
    """The database is gone afterwards."""
    database = await create_database(postgres, service, f"{service.partition('-')[0]}_{uuid4().hex[:12]}")
    credentials = Credentials(folder / "credentials")
    credentials.prepare([service])
    try:
        yield ServiceEnvironment(service, database, dsn_of(postgres, database.name), kafka, credentials, *free_ports())
    finally:
        await drop_database(postgres, database.name)


def call_of(service: str, method: str, path: str) -> ServiceCall:
    """What the table says of a route, whether its parameters are filled in or not."""
    asked = f"{method} {path.partition('?')[0]}"
    mine = (call for call in CALLS if call.service == service)
    return next(call for call in mine if re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", call.route), asked))


def free_ports() -> tuple[int, int]:
    """Two different ones."""
    first, second = free_port(), free_port()
    return (first, second) if first != second else free_ports()


def dsn_of(postgres: str, database: str) -> str:
    """The superuser's DSN of another database of the server."""
    return urlunsplit(urlsplit(postgres)._replace(path=f"/{database}"))


async def run_sql(dsn: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()
