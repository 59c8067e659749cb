"""comms-service among real neighbours: PostgreSQL, Kafka, the mail and SMS peers, and a stub of the file store."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import comms_service
from comms_service.main import build_app
from comms_service.settings import Settings
from contracts.envelope import Body, Envelope
from contracts.kit.clock import new_id
from contracts.messages.comms import MessageStatusChanged, SendMessage
from contracts.messages.results import FinalResult
from contracts.topics import COMMS_COMMANDS, COMMS_EVENTS, COMMS_RESULTS
from contracts.values import FileRef
from local_stack.peers import mail, sms
from local_stack.ports import HOST, free_port
from support.kafka_probe import KafkaProbe, open_kafka_probe
from support.messages import cancellation, order
from support.nameserver import nameserver
from support.senders import vouch
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import ready, serving, serving_service
from support.waiting import eventually

PHONE = "+4930901820"
EMAIL = "client@example.org"


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
class FileStub:
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
class Peers:
    """The outside world: the provider of SMS, whose answers a gate can hold back, and the mail server."""

    gate: Gate
    sms: httpx.AsyncClient
    mail: httpx.AsyncClient
    smtp_port: int


@dataclass
class Harness:
    """The service with its neighbours."""

    service_environment: ServiceEnvironment
    settings: Settings
    kafka_probe: KafkaProbe
    peers: Peers
    file_stub: FileStub
    records: dict[str, list[str]]
    """What DNS says: the values of TXT records by name."""
    logs: Logs = field(default_factory=Logs)
    _service: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        await self._service.enter_async_context(serving_service(build_app(self.settings), self.settings))
        logging.getLogger().addHandler(self.logs)
        await ready(self.settings)

    async def stop(self) -> None:
        await self._service.aclose()

    async def publish(self, command: Envelope[Any]) -> None:
        await self.kafka_probe.publish(COMMS_COMMANDS, command)

    async def final(self, command_id: UUID) -> FinalResult:
        return (await self.kafka_probe.results(command_id))[0]

    def statuses(self, command_id: UUID) -> list[str]:
        """The statuses that events published, in order."""
        events = [one.data for one in self.kafka_probe.heard if isinstance(one.data, MessageStatusChanged)]
        return [data.status for data in events if data.command_id == command_id]


@dataclass(frozen=True)
class Shop:
    """A tenant of its own with a channel of each kind."""

    harness: Harness
    tenant: UUID
    item: UUID

    def client(self, *roles: str, sub: str = "anna") -> httpx.AsyncClient:
        return self.harness.service_environment.caller(self.tenant, *roles, sub=sub)

    async def open(self) -> None:
        async with self.client("author") as author:
            await vouch(author, self.harness.service_environment, self.tenant, "shop.example")
            office = {"kind": "email", "name": "Office", "sender_address": "office@shop.example", "default": True}
            assert (await author.put("/v1/channels/office", json=office | {"sender_name": "The Shop"})).is_success
            texts = {"kind": "sms", "name": "Texts", "default": True}
            assert (await author.put("/v1/channels/texts", json=texts)).is_success

    async def command(self, body: Body, id: UUID | None = None) -> UUID:
        """Commands something about the item; returns the command's id."""
        sent = order(body, self.tenant, self.item, id=id)
        await self.harness.publish(sent)
        return sent.command_id

    async def send(self, kind: str, id: UUID | None = None, **changes: Any) -> UUID:
        """Commands a message; returns the command's id, which its text names."""
        id = id or new_id()
        to = PHONE if kind == "sms" else EMAIL
        values = {"item_id": self.item, "kind": kind, "to": to, "text": f"Hello {id}", "sent_by": "rule"} | changes
        return await self.command(SendMessage.model_validate(values), id)

    async def cancel(self, target: UUID) -> None:
        await self.harness.publish(cancellation(target, self.tenant, self.item))

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
            return status in self.harness.statuses(command_id)

        await eventually(look, status)

    async def sms(self, command_id: UUID) -> list[dict[str, Any]]:
        """What the SMS provider has sent for a command."""
        taken = (await self.harness.peers.sms.get("/messages")).json()
        return [message for message in taken if message["key"] == f"{command_id}.{self.tenant}"]

    async def mails(self, command_id: UUID) -> list[dict[str, Any]]:
        """What the mail server has taken for a command."""
        mails = (await self.harness.peers.mail.get("/mails")).json()
        found = [m["id"] for m in mails if m["message_id"] == f"<{command_id}.{self.tenant}@shop.example>"]
        return [(await self.harness.peers.mail.get(f"/mails/{id_}")).json() for id_ in found]


@asynccontextmanager
async def open_harness(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[Harness]:
    """Everything started; everything gone afterwards."""
    records: dict[str, list[str]] = {}
    async with (
        open_service_environment(postgres, kafka, "comms-service", folder) as service_environment,
        open_kafka_probe(kafka, (COMMS_RESULTS, COMMS_EVENTS)) as kafka_probe,
        _open_peers(service_environment, folder) as peers,
        _open_file_stub(service_environment) as (file_stub, file_stub_url),
        nameserver(records) as dns_server,
    ):
        settings = await service_environment.settle(
            comms_service,
            Settings,
            smtp_url=SecretStr(f"smtp://{HOST}:{peers.smtp_port}"),
            sms_url=str(peers.sms.base_url),
            sms_token=SecretStr("an-sms-token"),
            sms_receipt_secret=SecretStr(service_environment.credentials.secrets.sms_webhook_secret),
            public_comms_url=service_environment.url,
            doc_service_url=file_stub_url,
            dns_server=dns_server,
            delivery_attempts=3,
            receipts_per_second=20,
            log_level="INFO",
        )
        harness = Harness(service_environment, settings, kafka_probe, peers, file_stub, records)
        await harness.start()
        try:
            yield harness
        finally:
            await harness.stop()


@asynccontextmanager
async def _open_peers(service_environment: ServiceEnvironment, folder: Path) -> AsyncGenerator[Peers]:
    secret = service_environment.credentials.secrets.sms_webhook_secret
    peer = {"http_port": 1, "sms_token": "an-sms-token", "sms_webhook_secret": secret, "receipt_delay_s": 0.05}
    gate = Gate(sms.build_app(sms.SmsSettings.model_validate(peer | {"peer_folder": folder / "sms"})))
    smtp_port = free_port()
    mail_app = mail.build_app(mail.MailSettings(http_port=1, smtp_port=smtp_port, peer_folder=folder / "mail"))
    async with (
        serving(gate, free_port()) as sms_url,
        serving(mail_app, free_port()) as mail_url,
        httpx.AsyncClient(base_url=sms_url) as sms_client,
        httpx.AsyncClient(base_url=mail_url) as mail_client,
    ):
        yield Peers(gate, sms_client, mail_client, smtp_port)


@asynccontextmanager
async def _open_file_stub(service_environment: ServiceEnvironment) -> AsyncGenerator[tuple[FileStub, str]]:
    file_stub = FileStub((service_environment.credentials.service_tokens("comms-service") / "doc-service").read_text())
    async with serving(file_stub.app(), free_port()) as url:
        yield file_stub, url
