"""Renders recorded documents and draws QR codes: the file first, outside any transaction; then its outcome, in one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from contracts.kit import telemetry
from contracts.kit.clock import Clock
from contracts.kit.commands import Commands
from contracts.kit.database import Connection, Database, after_commit
from contracts.kit.worker import Task
from contracts.messages.results import CommandFailed
from doc_service.application.links import Links
from doc_service.domain.documents import Document, about_glyphs, template_inputs
from doc_service.domain.files import PDF, File
from doc_service.domain.links import token_hash
from doc_service.domain.qr_codes import draw
from doc_service.domain.templates import BUILTIN_VERSION, Template
from doc_service.gateways.files import FileStore
from doc_service.gateways.typesetter import TemplateError, Typesetter
from doc_service.messages import Events, document_done, qr_code_done
from doc_service.store import Store

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Rendering again after a crash gives the same bytes under the same name, so nothing is doubled."""

    database: Database
    store: Store
    builtin: Mapping[str, Template]
    typesetter: Typesetter
    files: FileStore
    links: Links
    events: Events
    commands: Commands
    clock: Clock

    async def run(self, task: Task) -> None:
        document, template = await self._load(task)
        try:
            made = await self.typesetter.set(
                task.tenant, template.source, template_inputs(document), document.created_at
            )
        except TemplateError as error:
            await self._fail(task, _blame(template, error), retryable=False)
            return
        document = replace(document, warnings=about_glyphs(made.missing))
        file = self._file(document, made.pdf, await self.files.put(task.tenant, made.pdf))
        async with self.database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await self._finish(tx, document, file)

    async def give_up(self, task: Task, reason: str) -> None:
        await self._fail(task, f"the document could not be rendered: {reason}", retryable=True)

    async def _load(self, task: Task) -> tuple[Document, Template]:
        async with self.database.transaction(task.tenant) as tx:
            document = await self.store.documents.find(tx, task.tenant, task.id)
            if document is None:
                raise LookupError("the document of this work does not exist")
            rule = document.causepath[-1].rule_id if document.causepath else None
            telemetry.note(document_id=document.id, item_id=document.item_id, rule_id=rule)
            return document, await self._template(tx, document)

    async def _template(self, tx: Connection, document: Document) -> Template:
        if document.template_version == BUILTIN_VERSION:
            return self.builtin[document.template]
        found = await self.store.templates.version(tx, document.tenant, document.template, document.template_version)
        if found is None:
            raise LookupError("the template version of this document does not exist")
        return found.template

    def _file(self, document: Document, pdf: bytes, sha256: str) -> File:
        return File(
            id=document.file_id,
            tenant=document.tenant,
            name=document.file_name,
            media_type=PDF,
            size=len(pdf),
            sha256=sha256,
            created_at=self.clock(),
            created_by=document.created_by,
        )

    async def _finish(self, tx: Connection, document: Document, file: File) -> None:
        await self.store.files.add(tx, file)
        await self.store.documents.set_ready(tx, document, file)
        await self.events.document_created(tx, document, file, file.created_at)
        after_commit(lambda: logger.info("document rendered", bytes=file.size))
        if document.wait_for_pdf:
            link = await self.links.for_command(tx, document)
            await self.commands.finish(tx, document.tenant, document_done(document, file, link))

    async def _fail(self, task: Task, reason: str, *, retryable: bool) -> None:
        """A command that was done before its PDF keeps its result; the document says what became of it."""
        async with self.database.transaction(task.tenant) as tx:
            document = await self.store.documents.find(tx, task.tenant, task.id)
            if await task.complete(tx) and document is not None:
                await self.store.documents.end(tx, document.id, "failed", reason)
                failed = CommandFailed(command_id=document.command_id, reason=reason, retryable=retryable)
                await self.commands.finish(tx, document.tenant, failed)


def _blame(template: Template, error: TemplateError) -> str:
    return f"template {template.code!r} version {template.version}: {error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Draws QR codes; `base` is where clients reach the service.

    Drawing again after a crash gives another token and image: nobody has seen the former ones.
    """

    database: Database
    store: Store
    files: FileStore
    base: str
    commands: Commands
    clock: Clock
    new_token: Callable[[], str]

    async def run(self, task: Task) -> None:
        async with self.database.transaction(task.tenant) as tx:
            code = await self.store.qr_codes.find(tx, task.tenant, task.id)
        if code is None:
            raise LookupError("the QR code of this work does not exist")
        telemetry.note(item_id=code.item_id)
        token = self.new_token()
        link = f"{self.base.rstrip('/')}/q/{token}"
        content = draw(link)
        file = code.file(content, await self.files.put(task.tenant, content), self.clock())
        async with self.database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await self.store.files.add(tx, file)
                await self.store.qr_codes.set_drawn(tx, code, token_hash(token), file.ref)
                await self.commands.finish(tx, code.tenant, qr_code_done(code, file.ref, link))

    async def give_up(self, task: Task, reason: str) -> None:
        """Nothing of it is left."""
        async with self.database.transaction(task.tenant) as tx:
            code = await self.store.qr_codes.find(tx, task.tenant, task.id)
            if await task.complete(tx) and code is not None:
                await self.store.qr_codes.delete(tx, task.tenant, code.id)
                why = f"the QR code could not be drawn: {reason}"
                failed = CommandFailed(command_id=code.command_id, reason=why, retryable=True)
                await self.commands.finish(tx, code.tenant, failed)
