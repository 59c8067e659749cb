"""doc-service as a process of its own on real servers, and what its tests send and see."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from joserfc import jwt
from joserfc.jwk import OKPKey

from contracts import topics
from contracts.envelope import Body, Envelope, Record, command, decode
from contracts.kit.clock import new_id, utc_now
from contracts.messages.doc import CreateDocument, DocumentCreated, DocumentViewed
from contracts.messages.results import RESULTS, FinalResult
from doc_service.domain.sample import SAMPLE

ISSUER = "https://id.example.com"
AUDIENCE = "stagewright"
DEADLINE_S = 60.0
_PUBLISHED: tuple[type[Body], ...] = (*RESULTS, DocumentCreated, DocumentViewed)
_BODIES = {body.TYPE: body for body in _PUBLISHED}


async def eventually[T](look: Callable[[], Awaitable[T]], *, within_s: float = DEADLINE_S) -> T:
    """Polls until `look` gives something true."""
    deadline = time.monotonic() + within_s
    while not (found := await look()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s; the last answer was {found!r}"
        await asyncio.sleep(0.02)
    return found


class Watcher:
    """Everything that is published to the service's topics from now on."""

    def __init__(self, bootstrap: str) -> None:
        self.seen: list[Envelope[Any]] = []
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._consumer.start()
        places = [TopicPartition(t.name, n) for t in (topics.DOC_RESULTS, topics.DOC_EVENTS) for n in range(12)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()

    async def _watch(self) -> None:
        async for record in self._consumer:
            envelope = decode(record.headers, record.value)
            self.seen.append(envelope.with_data(_BODIES[envelope.type].model_validate_json(envelope.data)))


@dataclass
class Program:
    """One life of the service, in a process of its own."""

    environment: dict[str, str]
    log: Path
    arguments: tuple[str, ...] = ("-m", "doc_service", "run")
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self.arguments, env=self.environment, stdout=log, stderr=log
            )

    async def ended(self) -> int:
        """The exit code, once it ends by itself."""
        assert self._process is not None
        async with asyncio.timeout(DEADLINE_S):
            return await self._process.wait()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self.ended()


@dataclass
class Site:
    """The service's surroundings; each test takes a new tenant."""

    environment: dict[str, str]
    superuser_dsn: str
    key: OKPKey
    folder: Path
    watcher: Watcher
    program: Program
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=DEADLINE_S))

    @property
    def base(self) -> str:
        return self.environment["PUBLIC_DOC_URL"]

    async def ready(self) -> None:
        await eventually(self._is_ready)

    async def _is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return (await self.http.get(f"{self.base}/health/ready")).status_code == 200
        return False

    def token(self, tenant: UUID | None, *roles: str) -> dict[str, str]:
        """The headers of a caller."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "tester", "exp": int(time.time()) + 600, "roles": list(roles)}
        claims |= {"tenant": str(tenant)} if tenant else {}
        signed = jwt.encode({"alg": "Ed25519", "kid": "test"}, claims, self.key, algorithms=["Ed25519"])
        return {"Authorization": f"Bearer {signed}"}

    async def call(self, method: str, path: str, tenant: UUID, role: str = "admin", **more: Any) -> httpx.Response:
        headers = self.token(tenant, role) | more.pop("headers", {})
        return await self.http.request(method, f"{self.base}{path}", headers=headers, **more)

    async def send(self, message: Envelope[Body]) -> None:
        record = Record.of(message)
        async with AIOKafkaProducer(bootstrap_servers=self.environment["KAFKA_BOOTSTRAP"], acks="all") as producer:
            await producer.send_and_wait(
                topics.DOC_COMMANDS.name, key=record.key, value=record.value, headers=list(record.headers)
            )

    async def answers(self, sent: Envelope[Any], count: int = 1) -> list[FinalResult]:
        """The first `count` results of a command."""

        async def enough() -> list[FinalResult]:
            found = [it.data for it in self.watcher.seen if it.causation == sent.id]
            return found if len(found) >= count else []

        return await eventually(enough)

    async def create(self, tenant: UUID, **wanted: Any) -> FinalResult:
        """Sends `CreateDocument` and waits for its result."""
        sent = order(tenant, **wanted)
        await self.send(sent)
        return (await self.answers(sent))[0]

    def events[B: Body](self, tenant: UUID, kind: type[B]) -> list[B]:
        return [it.data for it in self.watcher.seen if it.tenant == tenant and isinstance(it.data, kind)]

    async def viewed(self, tenant: UUID, count: int) -> list[DocumentViewed]:
        async def enough() -> list[DocumentViewed]:
            found = self.events(tenant, DocumentViewed)
            return found if len(found) >= count else []

        return await eventually(enough)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Runs a statement as the superuser, whom row-level security does not bind."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


def order(tenant: UUID, **wanted: Any) -> Envelope[Body]:
    """`CreateDocument` of an invoice of the sample deal, unless `wanted` says otherwise."""
    item = wanted.pop("item_id", None) or new_id()
    asked = {"template": "invoice", "data": SAMPLE, "created_by": "rule:documents", "time_zone": "Europe/Berlin"}
    return command(
        CreateDocument.model_validate(asked | {"item_id": item} | wanted),
        issuer="rule-engine",
        id=new_id(),
        tenant=tenant,
        key=topics.item_key(tenant, item),
        time=utc_now(),
        correlation="a-correlation",
    )


def describe(owner_url: str, app_url: str, kafka: str, port: int, folder: Path) -> dict[str, str]:
    """The environment of the service."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HTTP_PORT": str(port),
        "DATABASE_URL": app_url,
        "DATABASE_OWNER_URL": owner_url,
        "DATABASE_POOL": "4",
        "KAFKA_BOOTSTRAP": kafka,
        "AUTH_JWKS_FILE": str(folder / "jwks.json"),
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "PUBLIC_DOC_URL": f"http://127.0.0.1:{port}",
        "FILES_DIR": str(folder / "files"),
        "DRAIN_S": "10",
    }


def make_key(folder: Path) -> OKPKey:
    """A signing key, whose public half lies where the service looks for it."""
    key = OKPKey.generate_key("Ed25519", {"kid": "test"})
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key


def database_url(postgres: str, name: str) -> str:
    return urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
