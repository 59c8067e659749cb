"""All five services as processes that know one another, on the session's servers, with the mail and SMS peers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from pydantic import SecretStr

from contracts.kit.settings import ServiceSettings
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS
from local_stack.addresses import SERVICES
from local_stack.apply import KINDS, Document
from local_stack.fork_server import ForkServer
from local_stack.peers import carriers, mail, sms
from local_stack.ports import HOST, free_port
from local_stack.process import Process
from local_stack.topics import create_topics
from security.tokens import Forger
from support.nameserver import nameserver
from support.processes import environment_of
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import ready, serving

SMS_TOKEN = "an-sms-token"
PAYMENT_SECRET = "whsec_c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh"


@dataclass(frozen=True)
class RunningStack:
    """Every service is asked over HTTP as anybody would."""

    service_environment: Mapping[str, ServiceEnvironment]
    http: httpx.AsyncClient
    forger: Forger
    folder: Path
    mail_url: str
    databases: Mapping[str, asyncpg.Connection]
    """As the superuser, whom row-level security does not bind."""

    def url(self, service: str) -> str:
        return self.service_environment[service].url

    def log(self, service: str) -> str:
        """What the service has said so far."""
        return _log(self.folder, service).read_text()

    def person(self, tenant: UUID, *roles: str, sub: str = "ada") -> dict[str, str]:
        """The header of an employee."""
        return self.service_environment["entity-service"].authorization(tenant, *roles, sub=sub)

    def service(self, service: str, call: str) -> dict[str, str]:
        """The header of a service that may make the call."""
        return self.service_environment[service].as_service(*call.split(" "))

    def platform(self) -> dict[str, str]:
        return self.service_environment["entity-service"].as_platform()

    async def ask(
        self, service: str, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        url = self.service_environment[service].url_of(path)
        return await self.http.request(method, url, headers=dict(headers or {}), **more)

    async def rows(self, tenant: UUID) -> dict[str, str]:
        """What the tenant has in every table of every service, as a count and a digest."""
        return {
            f"{service} {table}": rows
            for service, database in self.databases.items()
            for table, rows in await _rows(database, tenant)
        }


@dataclass(frozen=True)
class Owner:
    """Puts a tenant's documents, as `stack apply` does."""

    running_stack: RunningStack
    tenant: UUID

    def put(self, document: Document) -> httpx.Response:
        url = self.running_stack.url(KINDS[document.kind].service) + document.path
        headers = self.running_stack.person(self.tenant, "admin", sub="owner")
        if document.kind == "sender-domain":
            vouched = f"/internal/sender-domains/{self.tenant}/{document.code}"
            httpx.put(
                self.running_stack.service_environment["comms-service"].url_of(vouched),
                headers=self.running_stack.platform(),
                timeout=60,
            ).raise_for_status()
        return httpx.put(url, json=document.spec, headers=headers, timeout=60)


@asynccontextmanager
async def open_running_stack(postgres: str, kafka: str, temporal: str, folder: Path) -> AsyncGenerator[RunningStack]:
    """Everything runs and is ready; everything is gone afterwards."""
    async with AsyncExitStack() as stack:
        service_environment = {
            name: await stack.enter_async_context(open_service_environment(postgres, kafka, name, folder))
            for name in SERVICES
        }
        told, mail_url = await _open_peers(stack, service_environment, folder)
        await create_topics(kafka, [*TOPICS, *DEAD_LETTER_TOPICS])
        told |= {"temporal_address": temporal, "temporal_task_queue": f"rule-engine-{uuid4().hex[:8]}"}
        forks = ForkServer()
        started = [await _start(forks, each, folder, told, stack) for each in service_environment.values()]
        await asyncio.gather(*map(ready, started))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        databases = {name: await _connected(stack, each) for name, each in service_environment.items()}
        yield RunningStack(service_environment, http, Forger(folder / "credentials"), folder, mail_url, databases)


async def _connected(stack: AsyncExitStack, service_environment: ServiceEnvironment) -> asyncpg.Connection:
    connection = await asyncpg.connect(service_environment.superuser_dsn)
    stack.push_async_callback(connection.close)
    return connection


async def _open_peers(
    stack: AsyncExitStack, service_environment: Mapping[str, ServiceEnvironment], folder: Path
) -> tuple[dict[str, Any], str]:
    """What services are told of one another and of the outside world, and where the mail server shows its mails."""
    secret = service_environment["comms-service"].credentials.secrets.sms_webhook_secret
    peer = {"http_port": 1, "sms_token": SMS_TOKEN, "sms_webhook_secret": secret, "receipt_delay_s": 0.05}
    sms_app = sms.build_app(sms.SmsSettings.model_validate(peer | {"peer_folder": folder / "sms"}))
    smtp_port = free_port()
    mail_app = mail.build_app(mail.MailSettings(http_port=1, smtp_port=smtp_port, peer_folder=folder / "mail"))
    carrier = {"http_port": 1, "carrier_secret": PAYMENT_SECRET, "peer_folder": folder / "carriers"}
    carrier_app = carriers.build_app(carriers.CarrierSettings.model_validate(carrier))
    told = {
        "dns_server": await stack.enter_async_context(nameserver({})),
        "smtp_url": SecretStr(f"smtp://{HOST}:{smtp_port}"),
        "sms_url": await stack.enter_async_context(serving(sms_app, free_port())),
        "sms_token": SecretStr(SMS_TOKEN),
        "sms_receipt_secret": SecretStr(secret),
        "public_comms_url": service_environment["comms-service"].url,
        "payment_providers": {"sandbox": "http://127.0.0.1:9"},
        "carriers": {"sandbox": await stack.enter_async_context(serving(carrier_app, free_port()))},
        "public_entity_url": service_environment["entity-service"].url,
        "public_doc_url": service_environment["doc-service"].url,
        "doc_service_url": service_environment["doc-service"].internal_url,
        "entity_service_url": service_environment["entity-service"].internal_url,
        "files_dir": folder / "files",
        "secrets_key": SecretStr(service_environment["trigger-service"].credentials.secrets.secrets_key),
        "form_posts_per_minute": 10_000,
    }
    return told, await stack.enter_async_context(serving(mail_app, free_port()))


async def _start(
    forks: ForkServer,
    service_environment: ServiceEnvironment,
    folder: Path,
    told: Mapping[str, Any],
    stack: AsyncExitStack,
) -> ServiceSettings:
    """It is stopped when the stack is closed."""
    service = service_environment.service
    package = service.replace("-", "_")
    settings: ServiceSettings = await service_environment.settle(
        import_module(package), import_module(f"{package}.settings").Settings, log_level="INFO", **told
    )
    process = Process(service, folder / f"{service}.json", _log(folder, service))
    stack.push_async_callback(asyncio.to_thread, process.stop)
    await asyncio.to_thread(process.fork, forks, package, "run", env=environment_of(settings))
    return settings


def _log(folder: Path, service: str) -> Path:
    return folder / f"{service}.log"


TABLES_WITH_TENANTS = """SELECT c.table_name, c.column_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name LIKE '%tenant%'
    ORDER BY c.table_name"""


async def _rows(database: asyncpg.Connection, tenant: UUID) -> list[asyncpg.Record]:
    """Name and content of every table."""
    selects = [
        f"SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '')"  # noqa: S608
        f" FROM {table} t WHERE {column} = $1"
        for table, column in await database.fetch(TABLES_WITH_TENANTS)
    ]
    return await database.fetch(" UNION ALL ".join(selects), tenant)
