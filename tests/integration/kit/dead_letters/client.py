"""A running probe whose handler fails for some texts, and the operator who looks after its dead letters."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from contracts.envelope import Body, Envelope, Record
from contracts.kit.broker import Subscription, each
from contracts.kit.clock import utc_now
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.dead_letter.letter import DeadLetter
from contracts.kit.service import Service
from contracts.messages.results import CommandDone, FinalResult
from contracts.topics import Topic
from integration.kit.harness import TENANT, Harness, NoteWritten, WriteNote, add_note
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from support.serving import ServiceTransport
from support.waiting import eventually

type Json = dict[str, Any]


@dataclass
class Defect:
    """A defect of the handler: it fails for the texts in `poison`, until it is mended."""

    poison: frozenset[str] = frozenset({"poison"})

    def mend(self) -> None:
        self.poison = frozenset()

    async def write_down(self, message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)
        if message.data.text in self.poison:
            raise ValueError("a defect")

    async def write_note(self, command: Envelope[WriteNote], tx: Connection) -> FinalResult | None:
        await add_note(tx, command.tenant, command.data.text)
        if command.data.text in self.poison:
            await tx.execute("SET LOCAL statement_timeout = '20ms'")
            await tx.execute("SELECT pg_sleep(10)")
        return CommandDone(command_id=command.command_id)


@dataclass(frozen=True)
class DeadLetterClient:
    """A running probe as Olga sees it, an operator of the platform."""

    harness: Harness
    service: Service
    app: Any
    credentials: Credentials
    defect: Defect

    def http(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.credentials.platform_token('olga')}"}
        transport = ServiceTransport(self.app, self.service.settings)
        return httpx.AsyncClient(transport=transport, base_url="http://probe/internal", headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        async with self.http() as http:
            answer = await http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def letters(self, **filters: str) -> list[Json]:
        found: list[Json] = (await self.get("/dead-letters", **filters))["items"]
        return found

    async def dead(self, count: int, **filters: str) -> list[Json]:
        """Waits until there are so many."""

        async def look() -> list[Json]:
            found = await self.letters(**filters)
            return found if len(found) == count else []

        return await eventually(look, f"{count} dead letters")

    async def post(self, what: str, **body: Any) -> httpx.Response:
        """`replays` or `discards`."""
        async with self.http() as http:
            return await http.post(f"/dead-letters/{what}", json=body)

    async def replay(self, *ids: str, **body: Any) -> Json:
        """Of `ids`, else of all that are open; waits until it is finished."""
        choice: Json = {"ids": list(ids)} if ids else {"filter": {}}
        answer = await self.post("replays", **{"per_second": 1000, **choice, **body})
        assert answer.status_code == 201, answer.text

        async def look() -> Json:
            found: Json = await self.get(f"/dead-letter-actions/{answer.json()['id']}")
            return found if found["finished_at"] else {}

        return await eventually(look, "the end of the replay")

    async def publish(self, *messages: Envelope[Body] | Record) -> None:
        await self.harness.publish(self.harness.events, *messages)

    async def committed(self, count: int) -> None:
        async def look() -> bool:
            return await self.harness.committed(self.harness.events) == count

        await eventually(look, f"offset {count}")


def make_client(harness: Harness, folder: Path, *, commands: bool = False) -> DeadLetterClient:
    """Of a probe that is not started yet; with `commands` it also handles commands."""
    credentials = Credentials(folder)
    credentials.prepare([])
    service = harness.service(auth_jwks_file=credentials.jwks_file, auth_issuer=ISSUER, auth_audience=AUDIENCE)
    defect = Defect()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: defect.write_down}))
    )
    if commands:
        handling = Commands(service=service.name, results=harness.results, outbox=service.outbox, clock=service.clock)
        routes: dict[type[Body], CommandHandler] = {WriteNote: defect.write_note}
        service.consume(handling.subscription(harness.commands, routes, expected=(WriteNote,)))
    return DeadLetterClient(harness, service, service.app("probe", []), credentials, defect)


@asynccontextmanager
async def open_client(harness: Harness, folder: Path, *, commands: bool = False) -> AsyncGenerator[DeadLetterClient]:
    client = make_client(harness, folder, commands=commands)
    async with client.app.router.lifespan_context(client.app):
        yield client


def letter_of(
    topic: Topic, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], offset: int = 0
) -> DeadLetter:
    return DeadLetter(
        id=uuid4(),
        tenant=TENANT,
        topic=topic.name,
        partition=0,
        offset=offset,
        key=key,
        value=value,
        headers=[(name.encode(), raw) for name, raw in headers],
        complete=True,
        reason="failed",
        detail="",
        put_aside_at=utc_now(),
    )
