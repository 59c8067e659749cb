"""`/v1/documents`: what documents an item has, and their public links."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Newest, Page, conflict, json_response
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import FileRef
from doc_service.application.links import Links
from doc_service.domain.documents import Document, Status
from doc_service.store import Store


class DocumentOut(BaseModel):
    """A document. `pdf` is null until `status` is `ready`; `reason` says why there will be none; `warnings` say what is
    wrong with it though it is printed."""

    id: UUID
    item_id: UUID
    template: str
    template_version: int
    title: str
    number: str
    status: Status
    reason: str | None
    warnings: tuple[str, ...]
    pdf: FileRef | None
    views: int
    viewed_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


class LinkOut(BaseModel):
    """A public link that exists; only those who were given its address know it."""

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
    """The only answer that has the address."""

    public_link: str
    expires_at: AwareDatetime


def router(service: Service, store: Store, links: Links) -> APIRouter:
    """Everybody may read; agents open and close links."""
    routes = APIRouter(prefix="/v1/documents", tags=["documents"])
    _add_lists(routes, service, store)
    _add_links(routes, service, store, links)
    return routes


def _add_lists(routes: APIRouter, service: Service, store: Store) -> None:
    @routes.get("")
    async def list_documents(
        paging: Paged, item_id: UUID | None = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[DocumentOut]:
        """Documents, newest first; `item_id` asks for those of one item."""
        async with service.database.transaction(caller.tenant) as tx:
            documents = await store.documents.page(tx, caller.tenant, item_id, paging.after(Newest), paging.rows)
        return paging.page(documents, lambda one: (one.created_at, one.id), _out)

    @routes.get("/{document_id}")
    async def get_document(document_id: UUID, caller: Caller = require(Role.VIEWER)) -> DocumentDetail:
        """One document with its links, the newest hundred."""
        async with service.database.transaction(caller.tenant) as tx:
            document = await _find(tx, store, caller, document_id)
            opened = await store.links.of_document(tx, document)
        links = [LinkOut.model_validate(link, from_attributes=True) for link in opened]
        return DocumentDetail(**dict(_out(document)), links=links)


def _add_links(routes: APIRouter, service: Service, store: Store, links: Links) -> None:
    @routes.post("/{document_id}/links", status_code=201, response_model=NewLink)
    async def open_link(
        request: Request, document_id: UUID, wanted: LinkIn, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Makes one more public link."""

        async def create(tx: Connection) -> Response:
            document = await _find(tx, store, caller, document_id)
            if document.status in ("failed", "cancelled"):
                raise conflict(f"document {document.number} has no PDF: {document.reason}")
            address, link = await links.open(tx, document, wanted.days, caller.subject)
            return json_response(NewLink(public_link=address, expires_at=link.expires_at), 201)

        return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=create)

    @routes.delete("/{document_id}/links", status_code=204)
    async def revoke_links(document_id: UUID, caller: Caller = require(Role.AGENT)) -> Response:
        """Closes all public links of the document for ever."""
        async with service.database.transaction(caller.tenant) as tx:
            document = await _find(tx, store, caller, document_id)
            await store.links.revoke_all(tx, document, service.clock())
        return Response(status_code=204)


async def _find(tx: Connection, store: Store, caller: Caller, id: UUID) -> Document:
    return found(await store.documents.find(tx, caller.tenant, id), f"document {id}")


def _out(document: Document) -> DocumentOut:
    return DocumentOut.model_validate(document, from_attributes=True)
