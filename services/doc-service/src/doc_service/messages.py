"""The events of doc-service, written into the outbox of the transaction that makes them true."""

from datetime import datetime

from pydantic import JsonValue

from contracts import topics
from contracts.envelope import Body, event
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.messages.doc import DocumentCreated, DocumentViewed, QrScanned
from contracts.messages.results import CommandDone
from contracts.values import FileRef
from doc_service.domain.documents import Document
from doc_service.domain.files import File
from doc_service.domain.qr_codes import QrCode

SOURCE = "doc-service"


class Events:
    """Publishes what happened to documents and QR codes."""

    def __init__(self, outbox: Outbox, new_id: NewId) -> None:
        self._outbox = outbox
        self._new_id = new_id

    async def document_created(self, tx: Connection, document: Document, file: File, at: datetime) -> None:
        fact = DocumentCreated(
            document_id=document.id,
            item_id=document.item_id,
            template=document.template,
            number=document.number,
            pdf=file.ref,
            at=at,
        )
        await self._put(tx, document, fact, at, caused=True)

    async def document_viewed(self, tx: Connection, document: Document, views: int, at: datetime) -> None:
        """A reader's act: it begins a cause of its own."""
        fact = DocumentViewed(
            document_id=document.id, item_id=document.item_id, template=document.template, views=views, at=at
        )
        await self._put(tx, document, fact, at, caused=False)

    async def qr_scanned(self, tx: Connection, code: QrCode, scans: int, at: datetime) -> None:
        """A visitor's act: it begins a cause of its own."""
        fact = QrScanned(qr_code_id=code.id, item_id=code.item_id, title=code.title, scans=scans, at=at)
        key = topics.item_key(code.tenant, code.item_id)
        envelope = event(fact, source=SOURCE, id=self._new_id(), tenant=code.tenant, key=key, time=at)
        await self._outbox.put(tx, topics.DOC_EVENTS, envelope)

    async def _put(self, tx: Connection, document: Document, fact: Body, at: datetime, *, caused: bool) -> None:
        """What the document's command `caused` goes on with its causes."""
        envelope = event(
            fact,
            source=SOURCE,
            id=self._new_id(),
            tenant=document.tenant,
            key=topics.item_key(document.tenant, document.item_id),
            time=at,
            correlation=document.correlation if caused else None,
            causepath=document.causepath if caused else (),
            root=document.root if caused else None,
        )
        await self._outbox.put(tx, topics.DOC_EVENTS, envelope)


def document_done(document: Document, file: File | None, link: str | None) -> CommandDone:
    """The result of `CreateDocument`."""
    outputs: dict[str, JsonValue] = {
        "document_id": str(document.id),
        "number": document.number,
        "pdf": None if file is None else file.ref.model_dump(mode="json"),
        "public_link": link,
    }
    return CommandDone(command_id=document.command_id, outputs=outputs)


def qr_code_done(code: QrCode, image: FileRef, link: str) -> CommandDone:
    """The result of `CreateQrCode`."""
    outputs: dict[str, JsonValue] = {
        "qr_code_id": str(code.id),
        "image": image.model_dump(mode="json"),
        "image_link": f"{link}/image.png",
        "scan_link": link,
    }
    return CommandDone(command_id=code.command_id, outputs=outputs)
