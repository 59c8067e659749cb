"""`/internal`: what other services ask, for any tenant; their tokens have the scope."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from contracts.contexts import ContextRequest, ContextResponse, StageItems, TenantSchema
from contracts.kit.auth import require_service
from contracts.kit.service import Service
from contracts.links import LinkedItems, LinkedRequest
from contracts.service_calls import CONTEXTS, ITEMS_BY_CONTACT, ITEMS_IN_STAGE, LINKED_ITEMS, SCHEMA
from contracts.values import Code, ItemKind
from entity_service import store
from entity_service.api.inputs import Address
from entity_service.domain.addresses import normalise_email, normalise_phone
from entity_service.domain.errors import InvalidError


class OpenItem(BaseModel):
    """An item that is neither won nor lost."""

    id: UUID
    kind: ItemKind
    pipeline: str
    stage: str
    contact_ids: tuple[UUID, ...]


class ClientItems(BaseModel):
    """A client known by an address, and the client's open items, newest first."""

    contact_ids: list[UUID]
    items: list[OpenItem]


def router(service: Service) -> APIRouter:
    """Contexts, schemas and clients' items."""
    routes = APIRouter(prefix="/internal", tags=["internal"])
    _add_contexts(routes, service)
    _add_items(routes, service)
    return routes


def _add_contexts(routes: APIRouter, service: Service) -> None:
    @routes.post("/contexts")
    async def read_contexts(body: ContextRequest, _: str = require_service(CONTEXTS.scope)) -> ContextResponse:
        """Items with everything around them, for many items of many tenants at once, as many as an answer holds."""
        asked = tuple(dict.fromkeys(body.items))
        async with service.database.transaction(*{ref.tenant_id for ref in asked}) as tx:
            return await store.contexts.read(tx, asked, body.parts, service.clock())

    @routes.get("/schema/{tenant}")
    async def get_schema(tenant: UUID, _: str = require_service(SCHEMA.scope)) -> TenantSchema:
        """Everything an author of this tenant can refer to."""
        async with service.database.transaction(tenant) as tx:
            return TenantSchema(
                tenant_id=tenant,
                tenant=await store.tenants.settings(tx, tenant),
                item_types=tuple(await store.item_types.in_use(tx, tenant)),
                pipelines=tuple((await store.pipelines.of_tenant(tx, tenant)).values()),
                fields=tuple(await store.fields.in_use(tx, tenant)),
                employees=await store.employees.refs(tx, tenant, service.clock(), archived=False),
                departments=await store.departments.codes(tx, tenant),
                lists=tuple(await store.lists.in_use(tx, tenant)),
                rooms=await store.resources.codes(tx, tenant, "room"),
                resources=await store.resources.codes(tx, tenant, "resource"),
                archived_employees=await store.employees.refs(tx, tenant, service.clock(), archived=True),
            )


def _add_items(routes: APIRouter, service: Service) -> None:
    @routes.get("/items/in-stage")
    async def list_items_in_stage(  # noqa: PLR0913 - the filters of a list
        tenant: UUID,
        pipeline: Code,
        stage: Code,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=0, le=500)] = 100,
        _: str = require_service(ITEMS_IN_STAGE.scope),
    ) -> StageItems:
        """The items that are in a stage now, page by page; `limit=0` only counts them."""
        async with service.database.transaction(tenant) as tx:
            items = await store.items.in_stage(tx, tenant, (pipeline, stage), after, limit)
            total = None if after else await store.items.count_in_stage(tx, tenant, (pipeline, stage))
        return StageItems(items=tuple(item.snapshot() for item in items), total=total)

    @routes.post("/items/linked")
    async def list_linked_items(body: LinkedRequest, _: str = require_service(LINKED_ITEMS.scope)) -> LinkedItems:
        """The items that each of some items, of any tenants, is linked with."""
        async with service.database.transaction(*{ref.tenant_id for ref in body.items}) as tx:
            return LinkedItems(items=tuple(await store.links.of_items(tx, body.items)))

    @routes.get("/items/by-contact")
    async def list_items_by_contact(
        tenant: UUID,
        phone: Address = None,
        email: Address = None,
        _: str = require_service(ITEMS_BY_CONTACT.scope),
    ) -> ClientItems:
        """Open items of those who have the phone number or the e-mail address; nobody has what is no address."""
        number, address = _known(normalise_phone, phone), _known(normalise_email, email)
        async with service.database.transaction(tenant) as tx:
            contacts = await store.contacts.by_address(tx, tenant, phone=number, email=address)
            items = await store.items.open_of_contacts(tx, tenant, contacts)
        opened = [OpenItem.model_validate(item, from_attributes=True) for item in items]
        return ClientItems(contact_ids=contacts, items=opened)


def _known(normalise: Callable[[str], str], address: str | None) -> str | None:
    try:
        return normalise(address) if address else None
    except InvalidError:
        return None
