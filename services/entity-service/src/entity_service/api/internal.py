"""`/internal`: what other services ask, for any tenant; their tokens have the scope."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from contracts.contexts import ContextRequest, ContextResponse, StageItems, TenantSchema
from contracts.kit.auth import require_service
from contracts.kit.service import Service
from contracts.service_calls import CONTEXTS, ITEMS_BY_CONTACT, ITEMS_IN_STAGE, SCHEMA
from contracts.values import Code, ItemKind
from entity_service import store
from entity_service.api.inputs import Address
from entity_service.domain.clients import normalise_email, normalise_phone
from entity_service.domain.errors import InvalidError


class OpenItem(BaseModel):
    """An item that is neither won nor lost."""

    id: UUID
    kind: ItemKind
    pipeline: str
    stage: str
    contact_ids: tuple[UUID, ...]


class ClientItems(BaseModel):
    """A client known by an address, and his open items, newest first."""

    contact_ids: list[UUID]
    items: list[OpenItem]


class InternalRoutes:
    """Contexts, schemas and clients' items."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/internal", tags=["internal"])
        add = router.add_api_route
        add("/contexts", self.contexts, methods=["POST"], response_model=ContextResponse)
        add("/schema/{tenant}", self.schema, methods=["GET"], response_model=TenantSchema)
        add("/items/in-stage", self.items_in_stage, methods=["GET"], response_model=StageItems)
        add("/items/by-contact", self.items_by_contact, methods=["GET"], response_model=ClientItems)
        return router

    async def contexts(self, body: ContextRequest, _: str = require_service(CONTEXTS.scope)) -> ContextResponse:
        """Items with everything around them, for many items of many tenants at once, as many as an answer holds."""
        asked = tuple(dict.fromkeys(body.items))
        async with self._service.database.transaction(*{ref.tenant_id for ref in asked}) as tx:
            return await store.contexts.read(tx, asked, body.parts, self._service.clock())

    async def schema(self, tenant: UUID, _: str = require_service(SCHEMA.scope)) -> TenantSchema:
        """Everything an author of this tenant can refer to."""
        async with self._service.database.transaction(tenant) as tx:
            return TenantSchema(
                tenant_id=tenant,
                tenant=await store.tenants.settings(tx, tenant),
                pipelines=tuple((await store.pipelines.of_tenant(tx, tenant)).values()),
                fields=tuple(await store.fields.in_use(tx, tenant)),
                employees=await store.people.employee_refs(tx, tenant, archived=False),
                archived_employees=await store.people.employee_refs(tx, tenant, archived=True),
            )

    async def items_in_stage(  # noqa: PLR0913 - the filters of a list
        self,
        tenant: UUID,
        pipeline: Code,
        stage: Code,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=0, le=500)] = 100,
        _: str = require_service(ITEMS_IN_STAGE.scope),
    ) -> StageItems:
        """The items that are in a stage now, page by page; `limit=0` only counts them."""
        async with self._service.database.transaction(tenant) as tx:
            found = await store.items.in_stage(tx, tenant, (pipeline, stage), after, limit)
            total = None if after else await store.items.count_in_stage(tx, tenant, (pipeline, stage))
        return StageItems(items=tuple(item.snapshot() for item in found), total=total)

    async def items_by_contact(
        self,
        tenant: UUID,
        phone: Address = None,
        email: Address = None,
        _: str = require_service(ITEMS_BY_CONTACT.scope),
    ) -> ClientItems:
        """Open items of whoever has the phone number or the e-mail address; what is no address belongs to nobody."""
        number, address = _known(normalise_phone, phone), _known(normalise_email, email)
        async with self._service.database.transaction(tenant) as tx:
            contacts = await store.clients.contacts_by_address(tx, tenant, phone=number, email=address)
            items = await store.items.open_of_contacts(tx, tenant, contacts)
        return ClientItems(
            contact_ids=contacts,
            items=[
                OpenItem(id=i.id, kind=i.kind, pipeline=i.pipeline, stage=i.stage, contact_ids=i.contact_ids)
                for i in items
            ],
        )


def _known(normalise: Callable[[str], str], address: str | None) -> str | None:
    try:
        return normalise(address) if address else None
    except InvalidError:
        return None
