"""entity-service on real servers, and what tests need to use it and to watch what it says."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr, ValidationError

import entity_service
from contracts import topics
from contracts.catalogue import TYPES
from contracts.envelope import Body, Cause, Envelope, Record, UndecodableError, command, decode
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import migrate
from contracts.messages.results import CommandDone, CommandRefused, FinalResult
from contracts.topics import item_key
from entity_service.main import build_app
from entity_service.settings import Settings
from local_stack.credentials import AUDIENCE, ISSUER, ROLES, Credentials
from local_stack.databases import create_database, drop_database
from local_stack.ports import free_port
from local_stack.topics import create_topics

DEADLINE_S = 30.0
STAGES = (
    {"code": "new", "name": "New"},
    {"code": "talks", "name": "Talks"},
    {"code": "offer", "name": "Offer"},
    {"code": "won", "name": "Won", "outcome": "won"},
    {"code": "lost", "name": "Lost", "outcome": "lost"},
)


async def eventually[T](look: Callable[[], Awaitable[T]]) -> T:
    """Polls until `look` gives something true; its last answer otherwise ends the test."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := await look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s; the last answer was {found!r}"
        await asyncio.sleep(0.02)
    return found


class Ear:
    """Hears everything that is said on entity-service's topics."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.heard: list[Envelope[Any]] = []

    async def listen(self) -> None:
        names = (topics.ENTITY_EVENTS.name, topics.ENTITY_RESULTS.name)
        async with AIOKafkaConsumer(
            *names, bootstrap_servers=self._bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20
        ) as consumer:
            async for record in consumer:
                with suppress(UndecodableError, KeyError, ValidationError):  # other tests put rubbish there, too
                    envelope = decode(record.headers, record.value)
                    data = TYPES[envelope.type].model_validate_json(envelope.data)
                    self.heard.append(envelope.with_data(data))


@dataclass(frozen=True)
class House:
    """The running service and its surroundings, shared by all tests."""

    http: httpx.AsyncClient
    credentials: Credentials
    bootstrap: str
    database_url: str
    ear: Ear

    def tenant(self) -> "Tenant":
        return Tenant(self, uuid4())

    async def send(self, *commands: Envelope[Body]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for one in commands:
                record = Record.of(one)
                await producer.send_and_wait(
                    topics.ENTITY_COMMANDS.name, record.value, record.key, headers=list(record.headers)
                )

    async def internal(self, method: str, path: str, **what: Any) -> httpx.Response:
        token = self.credentials.service_token_file("rule-engine").read_text()
        return await self.http.request(method, path, headers={"authorization": f"Bearer {token}"}, **what)


@dataclass(frozen=True)
class Tenant:
    """One tenant, as an admin of his own sees it."""

    house: House
    id: UUID
    subject: str = "somebody"

    async def ask(
        self, method: str, path: str, body: Any = None, *, roles: Sequence[str] = ROLES, **headers: str
    ) -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        return await self.ask_raw(method, path, content, roles=roles, **headers)

    async def ask_raw(
        self, method: str, path: str, content: bytes, *, roles: Sequence[str] = ROLES, **headers: str
    ) -> httpx.Response:
        token = self.house.credentials.token(roles, self.id, self.subject)
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        names |= {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await self.house.http.request(method, path, content=content, headers=names)

    async def get(self, path: str) -> Any:
        return ok(await self.ask("GET", path))

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        return ok(await self.ask("POST", path, body, **headers))

    async def put(self, path: str, body: Any) -> Any:
        return ok(await self.ask("PUT", path, body))

    async def patch(self, path: str, body: Any, if_match: str = "*") -> Any:
        return ok(await self.ask("PATCH", path, body, if_match=if_match))

    async def open(self) -> "Tenant":
        """Settings and the usual pipelines."""
        await self.put("/v1/tenant", {"name": "Shop", "time_zone": "Europe/Berlin", "language": "en"})
        for code, kind in (("sales", "deal"), ("installation", "deal"), ("leads", "lead"), ("invoices", "invoice")):
            await self.put(f"/v1/pipelines/{code}", {"name": code.title(), "kind": kind, "stages": STAGES})
        return self

    async def deal(self, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.post("/v1/items", {"kind": "deal", "title": "Oak table", **values})
        return made

    async def move(self, item: dict[str, Any], stage: str, if_match: str = "*", **more: str) -> httpx.Response:
        return await self.ask("PUT", f"/v1/items/{item['id']}/stage", {"stage": stage, **more}, if_match=if_match)

    async def obey(self, body: Body, *, id: UUID | None = None, causes: tuple[Cause, ...] = ()) -> FinalResult:
        """Sends a command and waits for its result."""
        sent = self.order(body, id=id, causes=causes)
        await self.house.send(sent)
        return (await self.results(sent.command_id))[0]

    def order(self, body: Body, *, id: UUID | None = None, causes: tuple[Cause, ...] = ()) -> Envelope[Body]:
        return command(
            body,
            issuer="rule-engine",
            id=id or new_id(),
            tenant=self.id,
            key=item_key(self.id, getattr(body, "item_id", self.id)),
            time=utc_now(),
            correlation="a-correlation",
            causepath=causes,
        )

    async def done(self, body: Body, **more: Any) -> dict[str, Any]:
        answer = await self.obey(body, **more)
        assert isinstance(answer, CommandDone), answer
        return answer.outputs

    async def refused(self, body: Body, **more: Any) -> str:
        answer = await self.obey(body, **more)
        assert isinstance(answer, CommandRefused), answer
        return answer.reason

    async def results(self, command_id: UUID, count: int = 1) -> list[FinalResult]:
        async def look() -> list[FinalResult]:
            found = [one.data for one in self.house.ear.heard if one.causation == str(command_id) and one.issuer]
            return found if len(found) >= count else []

        return await eventually(look)

    async def events[B: Body](self, kind: type[B], count: int = 1) -> list[Envelope[B]]:
        """At least so many events of a kind, in the order they were heard."""

        async def look() -> list[Envelope[B]]:
            found = self.heard(kind)
            return found if len(found) >= count else []

        return await eventually(look)

    def heard[B: Body](self, kind: type[B]) -> list[Envelope[B]]:
        return [one for one in self.house.ear.heard if one.tenant == self.id and isinstance(one.data, kind)]


def ok(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json() if response.content else None


@asynccontextmanager
async def open_house(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[House]:
    """The service in this process, on a database of its own and with its topics."""
    await create_topics(kafka, [*topics.TOPICS, *topics.DEAD_LETTER_TOPICS])
    credentials = Credentials(folder)
    credentials.prepare(["rule-engine"])
    database = await create_database(postgres, "entity-service", f"entity_{uuid4().hex[:12]}")
    settings = Settings(
        http_port=free_port(),
        database_url=SecretStr(database.app_url),
        database_owner_url=SecretStr(database.owner_url),
        kafka_bootstrap=kafka,
        auth_jwks_file=credentials.jwks_file,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
        log_level="WARNING",
    )
    await asyncio.to_thread(migrate, settings, Path(entity_service.__file__).parent / "migrations")
    app, ear = build_app(settings), Ear(kafka)
    listening = asyncio.create_task(ear.listen())
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://entity-service", timeout=60) as http,
    ):
        yield House(http, credentials, kafka, database.app_url, ear)
    listening.cancel()
    await drop_database(postgres, database.name)
