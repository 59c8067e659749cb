"""comms-service among real neighbours: PostgreSQL, Kafka, the mail and SMS peers, and a shelf of files."""

import asyncio
import hashlib
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import comms_service
from comms_service.main import build_app
from comms_service.settings import Settings
from contracts.envelope import Body, Envelope, Record, command, decode
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import migrate
from contracts.messages.comms import MessageStatusChanged, SendMessage
from contracts.messages.results import RESULTS, CancelCommand, CommandProgress, FinalResult, cancel_id
from contracts.topics import COMMS_COMMANDS, COMMS_EVENTS, COMMS_RESULTS, DEAD_LETTER_TOPICS, item_key
from contracts.values import FileRef
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import create_database, drop_database
from local_stack.peers import mail, sms
from local_stack.ports import HOST, free_port
from local_stack.topics import create_topics

DEADLINE_S = 30.0
PHONE = "+4930901820"
EMAIL = "client@example.org"
_BODIES: dict[str, type[Body]] = {MessageStatusChanged.TYPE: MessageStatusChanged} | {
    body.TYPE: body for body in RESULTS
}


async def eventually[T](look: Callable[[], Awaitable[T]], what: str = "it") -> T:
    """Polls until `look` gives something true."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := await look()):
        assert time.monotonic() < deadline, f"{what} did not happen in {DEADLINE_S:.0f} s; last seen: {found!r}"
        await asyncio.sleep(0.02)
    return found


class Server(uvicorn.Server):
    """A web server inside the test's own loop, which keeps the signals to itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncGenerator[str]:
    """Serves while entered; gives the base URL."""
    server = Server(uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        await task


class Gate:
    """Holds the answers of an application back while it is shut; the requests are done all the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def held(message: Message) -> None:
            if scope["type"] == "http" and scope["method"] == "POST":
                await self.open.wait()
            await send(message)

        await self._app(scope, receive, held)


@dataclass
class Shelf:
    """The files of doc-service as another service reads them."""

    token: str
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    broken: int = 0

    def put(self, tenant: UUID, content: bytes, name: str = "invoice.pdf") -> FileRef:
        ref = FileRef(
            file_id=uuid4(), name=name, sha256=hashlib.sha256(content).hexdigest(), media_type="application/pdf"
        )
        self.files[str(tenant), str(ref.file_id)] = content
        return ref

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/files/{file_id}")
        def read(file_id: str, tenant: str, request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise HTTPException(401)
            if self.broken:
                self.broken -= 1
                raise HTTPException(503)
            if (tenant, file_id) not in self.files:
                raise HTTPException(404)
            return Response(self.files[tenant, file_id], media_type="application/pdf")

        return app


class Logs(logging.Handler):
    """Everything the service logged, as one text."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "mail.log":  # the mail peer's own
            self.text += f"{record.msg} {record.args} {record.exc_info}\n"


@dataclass
class House:
    """The service with its neighbours; `client` calls its API."""

    settings: Settings
    superuser_dsn: str
    credentials: Credentials
    shelf: Shelf
    gate: Gate
    sms: httpx.AsyncClient
    mail: httpx.AsyncClient
    producer: AIOKafkaProducer
    seen: list[Envelope[Any]] = field(default_factory=list)
    logs: Logs = field(default_factory=Logs)
    _service: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.settings.http_port}"

    async def start(self) -> None:
        await self._service.enter_async_context(serving(build_app(self.settings), self.settings.http_port))
        logging.getLogger().addHandler(self.logs)
        await self.ready()

    async def stop(self) -> None:
        await self._service.aclose()

    async def ready(self) -> None:
        async def look() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.url}/health/ready")).is_success
            except httpx.TransportError:
                return False

        await eventually(look, "readiness")

    def caller(self, tenant: UUID, *roles: str, sub: str = "anna") -> httpx.AsyncClient:
        """A client with a token; without roles, one that does not say who it is."""
        headers = {"Authorization": f"Bearer {self.credentials.token(roles, tenant, sub)}"} if roles else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """As the superuser, whom row-level security does not bind."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def start_process(self) -> asyncio.subprocess.Process:
        """The service as a process of its own, ready to be killed."""
        values = self.settings.model_dump(exclude_none=True)
        plain = {k: v.get_secret_value() if isinstance(v, SecretStr) else str(v) for k, v in values.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            comms_service.__name__,
            "run",
            env=os.environ | {name.upper(): text for name, text in plain.items()},
            stdout=asyncio.subprocess.DEVNULL,
        )
        await self.ready()
        return process

    async def tell(self, tenant: UUID, body: Body, *, id: UUID, item: UUID) -> None:
        """Publishes a command as the rule engine would."""
        envelope: Envelope[Body] = command(
            body,
            issuer="rule-engine",
            id=id,
            tenant=tenant,
            key=item_key(tenant, item),
            time=utc_now(),
            correlation="a-correlation",
        )
        record = Record.of(envelope)
        await self.producer.send_and_wait(
            COMMS_COMMANDS.name, key=record.key, value=record.value, headers=list(record.headers)
        )

    async def watch(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            envelope = decode(record.headers, record.value)
            self.seen.append(envelope.with_data(_BODIES[envelope.type].model_validate_json(envelope.data)))

    def answers(self, command_id: UUID) -> list[Envelope[Any]]:
        return [e for e in self.seen if e.causation == str(command_id) and not isinstance(e.data, MessageStatusChanged)]

    async def final(self, command_id: UUID) -> FinalResult:
        async def look() -> list[FinalResult]:
            return [a.data for a in self.answers(command_id) if not isinstance(a.data, CommandProgress)]

        return (await eventually(look, "the final result"))[0]

    def statuses(self, command_id: UUID) -> list[str]:
        """The statuses that events told of, in order."""
        events = [e.data for e in self.seen if isinstance(e.data, MessageStatusChanged)]
        return [data.status for data in events if data.command_id == command_id]


@dataclass(frozen=True)
class Shop:
    """A tenant of its own with a channel of each kind."""

    house: House
    tenant: UUID
    item: UUID

    def client(self, *roles: str, sub: str = "anna") -> httpx.AsyncClient:
        return self.house.caller(self.tenant, *roles, sub=sub)

    async def open(self) -> None:
        async with self.client("author") as author:
            office = {"kind": "email", "name": "Office", "sender_address": "office@shop.example", "default": True}
            assert (await author.put("/v1/channels/office", json=office | {"sender_name": "The Shop"})).is_success
            texts = {"kind": "sms", "name": "Texts", "default": True}
            assert (await author.put("/v1/channels/texts", json=texts)).is_success

    async def send(self, kind: str, id: UUID | None = None, **changes: Any) -> UUID:
        """Commands a message; returns the command's id."""
        id_ = id or new_id()
        to = PHONE if kind == "sms" else EMAIL
        values = {"item_id": self.item, "kind": kind, "to": to, "text": f"Hello {id_}", "sent_by": "rule"} | changes
        await self.house.tell(self.tenant, SendMessage.model_validate(values), id=id_, item=self.item)
        return id_

    async def cancel(self, target: UUID) -> None:
        await self.house.tell(self.tenant, CancelCommand(target=target), id=cancel_id(target), item=self.item)

    async def message(self, command_id: UUID) -> dict[str, Any]:
        """The message of a command as the API shows it; empty when there is none."""
        async with self.client("viewer") as viewer:
            page = (await viewer.get("/v1/messages", params={"item_id": str(self.item)})).json()
            found = [row["id"] for row in page["items"] if row["command_id"] == str(command_id)]
            return (await viewer.get(f"/v1/messages/{found[0]}")).json() if found else {}

    async def attempts(self, command_id: UUID, *, ended: int) -> list[str | None]:
        """The outcomes, once that many attempts have ended."""

        async def look() -> list[str | None]:
            outcomes = [attempt["outcome"] for attempt in (await self.message(command_id)).get("attempts", [])]
            return outcomes if len([outcome for outcome in outcomes if outcome]) >= ended else []

        return await eventually(look, f"{ended} attempts")

    async def reaches(self, command_id: UUID, status: str) -> None:
        async def look() -> bool:
            return status in self.house.statuses(command_id)

        await eventually(look, status)

    async def sms(self, command_id: UUID) -> list[dict[str, Any]]:
        """What the SMS provider has sent for a command."""
        return [m for m in (await self.house.sms.get("/messages")).json() if m["key"] == str(command_id)]

    async def mails(self, command_id: UUID) -> list[dict[str, Any]]:
        """What the mail server has taken for a command."""
        mails = (await self.house.mail.get("/mails")).json()
        found = [m["id"] for m in mails if m["message_id"] == f"<{command_id}@shop.example>"]
        return [(await self.house.mail.get(f"/mails/{id_}")).json() for id_ in found]


@asynccontextmanager
async def open_house(postgres: str, kafka: str, folder: Path) -> AsyncIterator[House]:
    """Everything started; everything gone afterwards."""
    database = await create_database(postgres, "comms-service", f"comms_{uuid4().hex[:12]}")
    own = [topic for topic in DEAD_LETTER_TOPICS if topic.owner == "comms-service"]
    await create_topics(kafka, [COMMS_COMMANDS, COMMS_RESULTS, COMMS_EVENTS, *own])
    credentials = Credentials(folder / "credentials")
    credentials.prepare(["comms-service"])
    secret = credentials.secrets.sms_webhook_secret
    token_file = credentials.service_token_file("comms-service")
    shelf = Shelf(token_file.read_text())
    smtp_port, port = free_port(), free_port()
    peer = {"http_port": 1, "sms_token": "an-sms-token", "sms_webhook_secret": secret, "receipt_delay_s": 0.05}
    sms_app = sms.build_app(sms.SmsSettings.model_validate(peer | {"peer_folder": folder / "sms"}))
    mail_settings = mail.MailSettings(http_port=1, smtp_port=smtp_port, peer_folder=folder / "mail")
    gate = Gate(sms_app)
    async with AsyncExitStack() as stack:
        sms_url = await stack.enter_async_context(serving(gate, free_port()))
        mail_url = await stack.enter_async_context(serving(mail.build_app(mail_settings), free_port()))
        shelf_url = await stack.enter_async_context(serving(shelf.app(), free_port()))
        settings = Settings(
            http_port=port,
            database_url=SecretStr(database.app_url),
            database_owner_url=SecretStr(database.owner_url),
            database_pool=5,
            kafka_bootstrap=kafka,
            auth_jwks_file=credentials.jwks_file,
            auth_issuer=ISSUER,
            auth_audience=AUDIENCE,
            service_token_file=token_file,
            smtp_url=SecretStr(f"smtp://{HOST}:{smtp_port}"),
            sms_url=sms_url,
            sms_token=SecretStr("an-sms-token"),
            sms_receipt_secret=SecretStr(secret),
            public_comms_url=f"http://{HOST}:{port}",
            doc_service_url=shelf_url,
            delivery_attempts=3,
            receipts_per_second=20,
        )
        await asyncio.to_thread(migrate, settings, Path(comms_service.__path__[0]) / "migrations")
        house = House(
            settings=settings,
            superuser_dsn=urlunsplit(urlsplit(postgres)._replace(path=f"/{database.name}")),
            credentials=credentials,
            shelf=shelf,
            gate=gate,
            sms=await stack.enter_async_context(httpx.AsyncClient(base_url=sms_url)),
            mail=await stack.enter_async_context(httpx.AsyncClient(base_url=mail_url)),
            producer=await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka)),
        )
        consumer = await stack.enter_async_context(
            AIOKafkaConsumer(
                COMMS_RESULTS.name, COMMS_EVENTS.name, bootstrap_servers=kafka, auto_offset_reset="earliest"
            )
        )
        watching = asyncio.create_task(house.watch(consumer))
        await house.start()
        try:
            yield house
        finally:
            await house.stop()
            watching.cancel()
    await drop_database(postgres, database.name)
