"""Handles the commands of `crm.doc.commands.v1`."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.envelope import Body, Envelope
from contracts.kit import worker
from contracts.kit.broker import Subscription
from contracts.kit.clock import Clock
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from contracts.kit.quotas import check
from contracts.messages.doc import CreateDocument, CreateQrCode
from contracts.messages.results import CANCELLED, FinalResult
from doc_service.application.links import Links
from doc_service.domain.documents import RENDER, document_id, local_day, plan_document
from doc_service.domain.errors import DataError
from doc_service.domain.numbers import document_number, series
from doc_service.domain.qr_codes import DRAW, plan_qr_code, qr_code_id
from doc_service.domain.templates import Template
from doc_service.messages import document_done
from doc_service.quotas import FILE_BYTES
from doc_service.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """`builtin` are the templates that ship with the service, by code."""

    store: Store
    links: Links
    builtin: Mapping[str, Template]
    clock: Clock

    async def create_document(self, command: Envelope[CreateDocument], tx: Connection) -> FinalResult | None:
        """Records the document, numbered, to be rendered by a worker.

        Refuses when no template of that code is in use or the data cannot be printed.
        """
        await check(tx, command.tenant, FILE_BYTES)
        template = await self._template(tx, command.tenant, command.data.template)
        now = self.clock()
        try:
            number = await self._next_number(tx, command, template)
            document = plan_document(command, template, number, now)
        except DataError as error:
            raise RefusalError(str(error)) from error
        await self.store.documents.add(tx, document)
        await worker.enqueue(tx, id=document.id, tenant=document.tenant, kind=RENDER, run_at=now)
        if document.wait_for_pdf:
            return None
        return document_done(document, None, await self.links.for_command(tx, document))

    async def _template(self, tx: Connection, tenant: UUID, code: str) -> Template:
        template = await self.store.templates.usable(tx, tenant, code) or self.builtin.get(code)
        if template is None:
            raise RefusalError(f"there is no published template {code!r}")
        return template

    async def _next_number(self, tx: Connection, command: Envelope[CreateDocument], template: Template) -> str:
        """Counted in the document's transaction: a command that comes again, or is refused, takes no number."""
        day = local_day(self.clock(), command.data.time_zone)
        count = await self.store.templates.next_count(tx, command.tenant, series(template.number_pattern, day))
        return document_number(template.number_pattern, day, count)

    async def create_qr_code(self, command: Envelope[CreateQrCode], tx: Connection) -> None:
        """Records the code, to be drawn by a worker."""
        await check(tx, command.tenant, FILE_BYTES)
        code = plan_qr_code(command, self.clock())
        await self.store.qr_codes.add(tx, code)
        await worker.enqueue(tx, id=code.id, tenant=code.tenant, kind=DRAW, run_at=code.created_at)

    async def cancel(self, tenant: UUID, target: UUID, tx: Connection) -> bool:
        """Cancels what no worker has begun. The number of a document stays taken."""
        document, code = document_id(tenant, target), qr_code_id(tenant, target)
        if await worker.cancel(tx, tenant, document):
            await self.store.documents.end(tx, document, "cancelled", CANCELLED)
            return True
        if await worker.cancel(tx, tenant, code):
            await self.store.qr_codes.delete(tx, tenant, code)
            return True
        return False


def subscription(commands: Commands, handlers: Handlers) -> Subscription:
    """Each command of the topic goes to its method."""
    routes: dict[type[Body], CommandHandler] = {
        CreateDocument: handlers.create_document,
        CreateQrCode: handlers.create_qr_code,
    }
    expected = MESSAGES[topics.DOC_COMMANDS]
    return commands.subscription(topics.DOC_COMMANDS, routes, expected=expected, cancel=handlers.cancel)
