"""`/d/{token}`: a document for those who have its public link. The token is all the authority there is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.limits import RateLimit, network
from doc_service.api.files import file_response
from doc_service.api.openings import tenant_of, visitor_of
from doc_service.api.pages import PRIVATE, document_page, no_document_page, too_many_page
from doc_service.domain.documents import Document
from doc_service.domain.links import token_hash
from doc_service.gateways.files import FileStore
from doc_service.messages import Events
from doc_service.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicApi:
    """`limit` is for the openings of all links by one caller."""

    database: Database
    store: Store
    files: FileStore
    events: Events
    clock: Clock
    limit: RateLimit = field(default_factory=lambda: RateLimit(per_second=2, burst=120))

    async def page(self, request: Request, token: str) -> Response:
        async def show(tx: Connection, document: Document) -> Response:
            if request.method == "GET" and document.file is not None:
                await self._count(tx, request, token, document)
            return document_page(document, token)

        return await self._opened(request, token, show)

    async def pdf(self, request: Request, token: str, *, download: bool) -> Response:
        async def find(_: Connection, document: Document) -> Document:
            return document

        found = await self._opened(request, token, find)
        if isinstance(found, Response):
            return found
        if found.file is None:
            return RedirectResponse(f"/d/{token}", 303, PRIVATE)
        content = await self.files.get(found.tenant, found.file.sha256)
        return file_response(found.file, content, attachment=download, headers=PRIVATE)

    async def _opened[T](
        self, request: Request, token: str, use: Callable[[Connection, Document], Awaitable[T]]
    ) -> T | Response:
        """What `use` makes of the link's document; else the page that there is no document."""
        wait_s = self.limit.wait_s(network(request))
        if wait_s:
            return too_many_page(wait_s)
        tenant = await tenant_of(self.database, self.store, token)
        if tenant is None:
            return no_document_page()
        async with self.database.transaction(tenant) as tx:
            link = await self.store.links.find(tx, tenant, token_hash(token))
            document = await self.store.documents.find(tx, tenant, link.document) if link else None
            usable = link and link.opens(self.clock()) and document and document.status in ("waiting", "ready")
            return await use(tx, document) if usable and document else no_document_page()

    async def _count(self, tx: Connection, request: Request, token: str, document: Document) -> None:
        now = self.clock()
        visitor = visitor_of(request, token)
        views = await self.store.documents.count_view(tx, document, visitor, now)
        if views is not None:
            await self.events.document_viewed(tx, document, views, now)


def router(api: PublicApi) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/d/{token}", methods=["GET", "HEAD"])
    async def open_document(request: Request, token: str) -> Response:
        return await api.page(request, token)

    @routes.api_route("/d/{token}/pdf", methods=["GET", "HEAD"])
    async def read_pdf(request: Request, token: str, download: bool = False) -> Response:
        return await api.pdf(request, token, download=download)

    return routes
