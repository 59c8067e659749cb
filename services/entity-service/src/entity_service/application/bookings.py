"""Books meeting rooms and resources for items."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_events import ResourceKind
from entity_service import messages, store
from entity_service.application.items import Items
from entity_service.domain.errors import ConflictError, InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.resources import Booking, Span, local, next_free
from entity_service.messages import Actor

LOOKED_AT = 10_000
"""Bookings among which a free time is looked for."""


class Bookings:
    """Books and gives back."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def book(  # noqa: PLR0913 - a booking's parts
        self,
        tx: Connection,
        item: Item,
        resource: tuple[ResourceKind, str],
        during: Span,
        actor: Actor,
        *,
        employee: UUID | None,
        service: str = "",
        activity: UUID | None = None,
    ) -> Booking:
        """Books for a locked item.

        Raises `InvalidError` for what cannot be booked, and `ConflictError`, which names the next free time, for what
        is taken.
        """
        kind, code = resource
        found = await store.resources.lock(tx, item.tenant_id, kind, code)
        if found is None or found[0].archived:
            what = "is archived: name another one" if found else "does not exist"
            raise InvalidError((kind, f"the {kind} {code!r} {what}"))
        booking = Booking(
            id=self._items.new_id(),
            kind=kind,
            resource=code,
            start=during.start,
            end=during.end,
            item_id=item.id,
            activity_id=activity,
            employee_id=employee,
            service=service,
            created_by=actor.by,
            created_at=self._items.clock(),
        )
        zone = (await store.tenants.settings(tx, item.tenant_id)).time_zone
        if not await store.resources.book(tx, item.tenant_id, found[1], booking):
            taken = await store.resources.taken(tx, found[1], during.start, LOOKED_AT)
            at, free = local(during.start, zone), local(next_free(during, taken), zone)
            raise ConflictError(f"the {kind} {found[0].name!r} is taken at {at}: next free at {free} ({zone})")
        text = f"{found[0].name}: {local(during.start, zone)} to {local(during.end, zone)}"
        await self._items.note(tx, item, "booking", text, actor, {"booking_id": str(booking.id)})
        await self._items.publish(tx, item, messages.resource_booked(booking), actor)
        return booking

    async def give_back(self, tx: Connection, tenant: UUID, id: UUID, actor: Actor) -> None:
        """Deletes a booking. Raises `NotFoundError`, and `ConflictError` for the room of a planned activity."""
        booking = await store.resources.delete(tx, tenant, id)
        if booking is None:
            raise NotFoundError(f"booking {id}")
        if booking.activity_id:
            raise ConflictError("the room belongs to a planned activity: change or cancel that")
        item = await self._items.lock(tx, tenant, booking.item_id)
        text = f"{booking.resource}: given back"
        await self._items.note(tx, item, "booking", text, actor, {"booking_id": str(id)})
