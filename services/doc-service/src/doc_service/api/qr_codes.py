"""`/v1/qr-codes`: what codes an item has; `/q/{token}`: what whoever scans one sees."""

from dataclasses import dataclass, field
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.http import Newest, Page
from contracts.kit.limits import RateLimit, network
from contracts.kit.routes import Paged, found
from contracts.values import FileRef, Link
from doc_service.api.openings import tenant_of, visitor_of
from doc_service.api.pages import PRIVATE, no_document_page, scanned_page, too_many_page
from doc_service.domain.links import token_hash
from doc_service.domain.qr_codes import PNG, QrCode
from doc_service.gateways.files import FileStore
from doc_service.messages import Events
from doc_service.store import Store


class QrCodeOut(BaseModel):
    """A QR code. `image` is null until it is drawn; only its image says where it leads to."""

    id: UUID
    item_id: UUID
    title: str
    description: str
    address: Link | None
    image: FileRef | None
    scans: int
    scanned_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


def router(database: Database, store: Store) -> APIRouter:
    """Everybody may read."""
    routes = APIRouter(prefix="/v1/qr-codes", tags=["qr codes"])

    @routes.get("")
    async def list_qr_codes(
        paging: Paged, item_id: UUID | None = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[QrCodeOut]:
        """Codes, newest first; `item_id` asks for those of one item."""
        async with database.transaction(caller.tenant) as tx:
            codes = await store.qr_codes.page(tx, caller.tenant, item_id, paging.after(Newest), paging.rows)
        return paging.page(codes, lambda one: (one.created_at, one.id), _out)

    @routes.get("/{id}")
    async def get_qr_code(id: UUID, caller: Caller = require(Role.VIEWER)) -> QrCodeOut:
        async with database.transaction(caller.tenant) as tx:
            return _out(found(await store.qr_codes.find(tx, caller.tenant, id), f"QR code {id}"))

    return routes


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanApi:
    """The public side. `limit` is for all codes by one caller."""

    database: Database
    store: Store
    files: FileStore
    events: Events
    clock: Clock
    limit: RateLimit = field(default_factory=lambda: RateLimit(per_second=2, burst=120))

    async def page(self, request: Request, token: str) -> Response:
        if (code := await self._opened(request, token)) is None:
            return no_document_page()
        if request.method == "GET":
            async with self.database.transaction(code.tenant) as tx:
                await self._count(tx, request, token, code)
        return scanned_page(code)

    async def image(self, request: Request, token: str) -> Response:
        code = await self._opened(request, token)
        if code is None or code.image is None:
            return no_document_page()
        return Response(await self.files.get(code.tenant, code.image.sha256), 200, PRIVATE, media_type=PNG)

    async def _opened(self, request: Request, token: str) -> QrCode | None:
        """The code of a token; null when there is none."""
        tenant = await tenant_of(self.database, self.store, token)
        if tenant is None:
            return None
        async with self.database.transaction(tenant) as tx:
            return await self.store.qr_codes.of_token(tx, tenant, token_hash(token))

    async def _count(self, tx: Connection, request: Request, token: str, code: QrCode) -> None:
        now = self.clock()
        visitor = visitor_of(request, token)
        scans = await self.store.qr_codes.count_scan(tx, code, visitor, now)
        if scans is not None:
            await self.events.qr_scanned(tx, code, scans, now)


def public_router(api: ScanApi) -> APIRouter:
    """The token is all the authority there is."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/q/{token}", methods=["GET", "HEAD"])
    async def scan(request: Request, token: str) -> Response:
        wait_s = api.limit.wait_s(network(request))
        return too_many_page(wait_s) if wait_s else await api.page(request, token)

    @routes.api_route("/q/{token}/image.png", methods=["GET", "HEAD"])
    async def read_image(request: Request, token: str) -> Response:
        wait_s = api.limit.wait_s(network(request))
        return too_many_page(wait_s) if wait_s else await api.image(request, token)

    return routes


def _out(code: QrCode) -> QrCodeOut:
    return QrCodeOut.model_validate(code, from_attributes=True)
