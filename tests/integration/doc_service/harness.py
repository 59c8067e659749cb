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
from support.kafka_probe import KafkaProbe, open_kafka_probe
from support.processes import Program
from support.service_environment import ServiceEnvironment, open_service_environment


@dataclass(frozen=True)
class Harness:
    """The service and its surroundings; each test takes a new tenant."""

    service_environment: ServiceEnvironment
    settings: Settings
    kafka_probe: KafkaProbe
    http: httpx.AsyncClient
    program: Program

    @property
    def base(self) -> str:
        return self.settings.public_doc_url

    async def call(self, method: str, path: str, tenant: UUID, role: str = "admin", **more: Any) -> httpx.Response:
        headers = self.service_environment.authorization(tenant, role) | more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)

    async def internal_file(self, tenant: UUID, file_id: Any) -> httpx.Response:
        """A file as other services read it."""
        path = f"/internal/files/{file_id}?tenant={tenant}"
        return await self.http.get(
            self.service_environment.url_of(path), headers=self.service_environment.as_service("GET", path)
        )

    async def send(self, message: Envelope[Any]) -> None:
        await self.kafka_probe.publish(topics.DOC_COMMANDS, message)

    async def answers(self, sent: Envelope[Any], count: int = 1) -> list[FinalResult]:
        """The first `count` results of a command."""
        return (await self.kafka_probe.results(sent.command_id, count))[:count]

    async def create(self, tenant: UUID, **wanted: Any) -> FinalResult:
        """Sends `CreateDocument` and waits for its result."""
        return await self.ask(order(tenant, **wanted))

    async def ask(self, sent: Envelope[Any]) -> FinalResult:
        await self.send(sent)
        return (await self.answers(sent))[0]


def order(tenant: UUID, **wanted: Any) -> Envelope[CreateDocument]:
    """`CreateDocument` of an invoice of the sample deal, unless `wanted` says otherwise."""
    item = wanted.pop("item_id", None) or new_id()
    asked = {"template": "invoice", "data": SAMPLE, "created_by": "rule:documents", "time_zone": "Europe/Berlin"}
    return messages.order(CreateDocument.model_validate(asked | {"item_id": item} | wanted), tenant, item)


@asynccontextmanager
async def open_harness(postgres: str, kafka: str, folder: Path) -> AsyncGenerator[Harness]:
    """The service runs; its files are in `folder`."""
    async with (
        open_service_environment(postgres, kafka, "doc-service", folder) as service_environment,
        open_kafka_probe(kafka, (topics.DOC_RESULTS, topics.DOC_EVENTS)) as kafka_probe,
        httpx.AsyncClient(base_url=service_environment.url, timeout=60) as http,
    ):
        own = {"public_doc_url": service_environment.url, "files_dir": folder / "files", "trusted_proxies": HOST}
        settings = await service_environment.settle(doc_service, Settings, **own)
        program = Program("doc_service", settings)
        await program.start()
        try:
            await program.ready()
            yield Harness(service_environment, settings, kafka_probe, http, program)
        finally:
            await program.stop()
