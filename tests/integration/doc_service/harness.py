"""doc-service as a process of its own on real servers, and what its tests send and see."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

import doc_service
from contracts import topics
from contracts.envelope import Envelope
from contracts.kit.clock import new_id
from contracts.messages.doc import CreateDocument
from contracts.messages.results import FinalResult
from doc_service.domain.sample import SAMPLE
from doc_service.settings import Settings
from local_stack.ports import HOST
from support import messages
from support.premises import Premises, open_premises
from support.processes import Program
from support.wire import Wire, open_wire


@dataclass(frozen=True)
class Site:
    """The service and its surroundings; each test takes a new tenant."""

    premises: Premises
    settings: Settings
    wire: Wire
    http: httpx.AsyncClient
    program: Program

    @property
    def base(self) -> str:
        return self.settings.public_doc_url

    async def call(self, method: str, path: str, tenant: UUID, role: str = "admin", **more: Any) -> httpx.Response:
        headers = self.premises.authorization(tenant, role) | more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)

    async def internal_file(self, tenant: UUID, file_id: Any) -> httpx.Response:
        """A file as other services read it."""
        path = f"/internal/files/{file_id}?tenant={tenant}"
        return await self.http.get(self.premises.url_of(path), headers=self.premises.as_service("GET", path))

    async def send(self, message: Envelope[Any]) -> None:
        await self.wire.publish(topics.DOC_COMMANDS, message)

    async def answers(self, sent: Envelope[Any], count: int = 1) -> list[FinalResult]:
        """The first `count` results of a command."""
        return (await self.wire.results(sent.command_id, count))[:count]

    async def create(self, tenant: UUID, **wanted: Any) -> FinalResult:
        """Sends `CreateDocument` and waits for its result."""
        sent = order(tenant, **wanted)
        await self.send(sent)
        return (await self.answers(sent))[0]


def order(tenant: UUID, **wanted: Any) -> Envelope[CreateDocument]:
    """`CreateDocument` of an invoice of the sample deal, unless `wanted` says otherwise."""
    item = wanted.pop("item_id", None) or new_id()
    asked = {"template": "invoice", "data": SAMPLE, "created_by": "rule:documents", "time_zone": "Europe/Berlin"}
    return messages.order(CreateDocument.model_validate(asked | {"item_id": item} | wanted), tenant, item)


@asynccontextmanager
async def open_site(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[Site]:
    """The service runs; its files are in `folder`."""
    async with (
        open_premises(postgres, kafka, "doc-service", folder) as premises,
        open_wire(kafka, (topics.DOC_RESULTS, topics.DOC_EVENTS)) as wire,
        httpx.AsyncClient(base_url=premises.url, timeout=60) as http,
    ):
        own = {"public_doc_url": premises.url, "files_dir": folder / "files", "trusted_proxies": HOST}
        settings = await premises.settle(doc_service, Settings, **own)
        program = Program("doc_service", settings)
        await program.start()
        try:
            await program.ready()
            yield Site(premises, settings, wire, http, program)
        finally:
            await program.stop()
