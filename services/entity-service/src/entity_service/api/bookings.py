"""`/v1/items/{id}/bookings` and `/v1/bookings`: rooms and resources that are booked for items."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from contracts.messages.entity_commands import Minutes
from contracts.messages.entity_events import ResourceKind
from contracts.texts import Line
from contracts.values import Code
from entity_service import store
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.resources import Booking, span


class BookingInput(Input):
    """What is booked, for what, and when."""

    kind: ResourceKind
    resource: Code
    start: Moment
    minutes: Minutes
    service: Line = ""


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may book and give back."""
    routes = APIRouter(prefix="/v1", tags=["bookings"])

    @routes.post("/items/{id}/bookings", status_code=201, response_model=Booking)
    async def book(request: Request, id: UUID, body: BookingInput, caller: Caller = require(Role.AGENT)) -> Response:
        """Books for the item, in the calendar of its responsible person; 409 names the next free time."""

        async def create(tx: Connection) -> Response:
            item = await changes.items.lock(tx, caller.tenant, id)
            what, time = (body.kind, body.resource), span(body.start, body.minutes)
            booking = await changes.bookings.book(
                tx, item, what, time, actor_of(caller), employee=item.responsible_id, service=body.service
            )
            return created(booking)

        return await create_once(service, request, caller, create)

    @routes.get("/items/{id}/bookings")
    async def list_bookings_of_item(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Booking]:
        """What is booked for the item, newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            wanted = store.resources.Filter(item=id, after=paging.id)
            return paging.by_id(await store.resources.search(tx, caller.tenant, wanted, paging.rows))

    @routes.delete("/bookings/{id}", status_code=204)
    async def give_back(id: UUID, caller: Caller = require(Role.AGENT)) -> None:
        """Deletes a booking; the room of a planned activity is given back with that."""
        async with service.database.transaction(caller.tenant) as tx:
            await changes.bookings.give_back(tx, caller.tenant, id, actor_of(caller))

    return routes
