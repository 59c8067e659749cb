"""`/v1/documents`: what documents an item has, and their public links."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.http import (
    Cursor,
    Idempotency,
    Limit,
    Newest,
    Page,
    conflict,
    decode_cursor,
    json_response,
    not_found,
)
from contracts.values import FileRef
from doc_service.application import Links
from doc_service.domain.documents import Document, Status
from doc_service.domain.links import Link
from doc_service.store import Position, Store


class DocumentOut(BaseModel):
    """A document. `pdf` is null until `status` is `ready`; `reason` says why there will be none."""

    id: UUID
    item_id: UUID
    template: str
    template_version: int
    title: str
    number: str
    status: Status
    reason: str | None
    pdf: FileRef | None
    views: int
    viewed_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


class LinkOut(BaseModel):
    """A public link that exists; its address is known only to whoever got it."""

    created_at: AwareDatetime
    created_by: str
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None


class DocumentDetail(DocumentOut):
    links: list[LinkOut]


class LinkIn(Input):
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """How long the link opens; null: the service's default."""


class NewLink(BaseModel):
    """The only time the address is told."""

    public_link: str
    expires_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentApi:
    database: Database
    store: Store
    links: Links
    idempotency: Idempotency
    clock: Clock

    async def list(self, tenant: UUID, item: UUID | None, before: Position | None, limit: int) -> list[Document]:
        async with self.database.transaction(tenant) as tx:
            return await self.store.documents.newest(tx, tenant, item, before, limit)

    async def read(self, tenant: UUID, document_id: UUID) -> DocumentDetail:
        async with self.database.transaction(tenant) as tx:
            document = await self._find(tx, tenant, document_id)
            links = await self.store.links.of_document(tx, document)
        return DocumentDetail(**_fields(document), links=[_link(link) for link in links])

    async def open_link(self, request: Request, caller: Caller, document_id: UUID, days: int | None) -> Response:
        async def do(tx: Connection) -> Response:
            document = await self._find(tx, caller.tenant, document_id)
            if document.status in ("failed", "cancelled"):
                raise conflict(f"document {document.number} has no PDF: {document.reason}")
            address, link = await self.links.open(tx, document, days, caller.subject)
            return json_response(NewLink(public_link=address, expires_at=link.expires_at), 201)

        return await self.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=do)

    async def revoke_links(self, tenant: UUID, document_id: UUID) -> None:
        async with self.database.transaction(tenant) as tx:
            document = await self._find(tx, tenant, document_id)
            await self.store.links.revoke_all(tx, document, self.clock())

    async def _find(self, tx: Connection, tenant: UUID, document_id: UUID) -> Document:
        document = await self.store.documents.find(tx, tenant, document_id)
        if document is None:
            raise not_found(f"document {document_id}")
        return document


def router(api: DocumentApi) -> APIRouter:
    routes = APIRouter(tags=["documents"])

    @routes.get("/v1/documents", response_model=Page[DocumentOut])
    async def list_documents(
        item_id: UUID | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Response:
        """Documents, newest first; `item_id` asks for those of one item."""
        found = await api.list(caller.tenant, item_id, decode_cursor(cursor, Newest), limit + 1)
        return json_response(Page[DocumentOut].of(found, limit, key=lambda one: (one.created_at, one.id), show=_out))

    @routes.get("/v1/documents/{document_id}", response_model=DocumentDetail)
    async def read_document(document_id: UUID, caller: Caller = require(Role.VIEWER)) -> Response:
        """One document with its links."""
        return json_response(await api.read(caller.tenant, document_id))

    @routes.post("/v1/documents/{document_id}/links", status_code=201, response_model=NewLink)
    async def open_link(
        request: Request, document_id: UUID, wanted: LinkIn, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Makes one more public link."""
        return await api.open_link(request, caller, document_id, wanted.days)

    @routes.delete("/v1/documents/{document_id}/links", status_code=204)
    async def revoke_links(document_id: UUID, caller: Caller = require(Role.AGENT)) -> Response:
        """Closes all public links of the document for ever."""
        await api.revoke_links(caller.tenant, document_id)
        return Response(status_code=204)

    return routes


def _out(document: Document) -> DocumentOut:
    return DocumentOut(**_fields(document))


def _fields(document: Document) -> dict[str, object]:
    return {
        "id": document.id,
        "item_id": document.item_id,
        "template": document.template,
        "template_version": document.template_version,
        "title": document.title,
        "number": document.number,
        "status": document.status,
        "reason": document.reason,
        "pdf": document.file and document.file.ref,
        "views": document.views,
        "viewed_at": document.viewed_at,
        "created_at": document.created_at,
        "created_by": document.created_by,
    }


def _link(link: Link) -> LinkOut:
    return LinkOut(
        created_at=link.created_at,
        created_by=link.created_by,
        expires_at=link.expires_at,
        revoked_at=link.revoked_at,
    )
