"""`/v1/rooms` and `/v1/resources`: what is booked by one at a time. Archived, never deleted."""

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.entity_events import ResourceKind
from contracts.values import Code
from entity_service import store
from entity_service.api.inputs import During
from entity_service.domain.resources import Booking, Resource, ResourceFields
from entity_service.quotas import DEFINITIONS


class ResourceInput(ResourceFields, Input):
    """A meeting room or another resource."""


def router(service: Service, kind: ResourceKind) -> APIRouter:
    """Everybody may read; authors may write."""
    routes = APIRouter(prefix=f"/v1/{kind}s", tags=["bookings"])

    @routes.put("/{code}")
    async def put_resource(code: Code, body: ResourceInput, caller: Caller = require(Role.AUTHOR)) -> Resource:
        """Creates or replaces it; bookings stay."""
        wanted = Resource(kind=kind, code=code, **dict(body))
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.resources.find(tx, caller.tenant, kind, code)
            await record_put(tx, caller, kind, code, before, wanted, quota=DEFINITIONS)
            await store.resources.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_resource(code: Code, caller: Caller = require(Role.VIEWER)) -> Resource:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.resources.find(tx, caller.tenant, kind, code), f"{kind} {code!r}")

    @routes.get("")
    async def list_resources(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Resource]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.resources.page(tx, caller.tenant, kind, paging.code, paging.rows))

    @routes.get("/{code}/bookings")
    async def list_bookings(
        code: Code, time: During, paging: Paged, caller: Caller = require(Role.VIEWER)
    ) -> Page[Booking]:
        """Bookings that overlap a time, newest first."""
        wanted = store.resources.Filter(resource=(kind, code), during=time, after=paging.id)
        async with service.database.transaction(caller.tenant) as tx:
            found(await store.resources.find(tx, caller.tenant, kind, code), f"{kind} {code!r}")
            return paging.by_id(await store.resources.search(tx, caller.tenant, wanted, paging.rows))

    return routes
