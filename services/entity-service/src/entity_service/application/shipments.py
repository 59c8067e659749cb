"""Shipments: asked of carriers, who report what becomes of them."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue

from contracts.kit.database import Connection
from contracts.messages.shipment_commands import CreateShipment
from contracts.reports import ShipmentReport
from entity_service import messages, store
from entity_service.application.accounts import Accounts
from entity_service.application.items import Items
from entity_service.domain.accounts import Account, Action, Answer, Question, Request
from entity_service.domain.errors import NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.shipments import Shipment, after_report, check_change
from entity_service.messages import Actor, callback

_PATHS: Mapping[Action, str] = {"allow_delivery": "allow", "cancel_shipment": "cancel"}


class Shipments:
    """Plans, allows, cancels and records. `base` is where carriers reach this service."""

    def __init__(self, items: Items, accounts: Accounts, base: str) -> None:
        self._items = items
        self._accounts = accounts
        self._base = base

    async def plan(self, tx: Connection, item: Item, wanted: CreateShipment, command: UUID, actor: Actor) -> Shipment:
        """A shipment of a locked deal; the command is answered when the carrier has it. Raises `InvalidError`."""
        carrier = await self._accounts.usable(tx, item.tenant_id, "carrier", wanted.carrier)
        now = self._items.clock()
        shipment = Shipment(
            tenant_id=item.tenant_id,
            id=self._items.new_id(),
            item_id=item.id,
            carrier=carrier.code,
            address=wanted.address,
            window_start=wanted.window_start,
            window_end=wanted.window_end,
            status="asked",
            created_by=actor.by,
            created_at=now,
            updated_at=now,
        )
        await self._accounts.request(tx, carrier, command, "create_shipment", shipment.id)
        await self._record(tx, item, None, shipment, actor)
        return shipment

    async def allow(self, tx: Connection, item: Item, id: UUID | None, command: UUID) -> Shipment | None:
        """The shipment when it may go already; null: the command is answered when the carrier knows."""
        return await self._change(tx, item, id, command, "allow_delivery")

    async def cancel(self, tx: Connection, item: Item, id: UUID | None, command: UUID) -> Shipment | None:
        """The shipment when it is cancelled already; null: the command is answered when the carrier knows."""
        return await self._change(tx, item, id, command, "cancel_shipment")

    async def _change(
        self, tx: Connection, item: Item, id: UUID | None, command: UUID, action: Action
    ) -> Shipment | None:
        shipment = await self.read(tx, item, id)
        wanted = "allowed" if action == "allow_delivery" else "cancelled"
        check_change(shipment, wanted)
        if shipment.status == wanted:
            return shipment
        carrier = await store.accounts.find(tx, item.tenant_id, "carrier", shipment.carrier)
        assert carrier is not None  # noqa: S101 - they are archived, never deleted
        await self._accounts.request(tx, carrier, command, action, shipment.id)
        return None

    async def read(self, tx: Connection, item: Item, id: UUID | None) -> Shipment:
        """The shipment of this id, or the last one. Raises `NotFoundError`."""
        if id is None:
            found = await store.shipments.last(tx, item.tenant_id, item.id)
        else:
            found = await store.shipments.find(tx, item.tenant_id, id)
        if found is None or found.item_id != item.id:
            raise NotFoundError(f"shipment {id} of the item" if id else "shipment")
        return found

    async def report(self, tx: Connection, carrier: Account, report: ShipmentReport) -> None:
        """Records what the carrier says; repeated and overtaken reports change nothing. Raises `NotFoundError`."""
        found = await store.shipments.find(tx, carrier.tenant_id, report.shipment_id)
        if found is None or found.carrier != carrier.code:
            raise NotFoundError(f"shipment {report.shipment_id}")
        item, before = await self._lock(tx, carrier.tenant_id, found.id)
        after = after_report(before, report, self._items.clock())
        if after != before:
            await self._record(tx, item, before, after, by_carrier(before.carrier))

    async def question(self, tx: Connection, request: Request) -> Question | None:
        """Null when the shipment was deleted with its item."""
        shipment = await store.shipments.find(tx, request.tenant, request.subject_id)
        if shipment is None:
            return None
        carrier = await store.accounts.find(tx, request.tenant, "carrier", shipment.carrier)
        if carrier is None:
            return None
        if request.action != "create_shipment":
            path = f"shipments/{shipment.id}/{_PATHS[request.action]}"
            return Question(carrier, path, str(request.id), {"shipment_id": str(shipment.id)})
        begins, ends = shipment.window_start, shipment.window_end
        body: dict[str, JsonValue] = {
            "shipment_id": str(shipment.id),
            "address": shipment.address,
            "window_start": begins.isoformat() if begins else None,
            "window_end": ends.isoformat() if ends else None,
            "callback_url": callback(self._base, carrier),
        }
        return Question(carrier, "shipments", str(shipment.id), body)

    async def answered(self, tx: Connection, request: Request, answer: Answer) -> Mapping[str, JsonValue]:
        """What the carrier does now. Its report may have come before its answer. Raises `NotFoundError`."""
        item, before = await self._lock(tx, request.tenant, request.subject_id)
        now, after = self._items.clock(), before
        if request.action == "create_shipment":
            status = "planned" if before.status == "asked" else before.status
            after = before.to(status, now, tracking=answer.tracking or before.tracking)
        elif request.action == "allow_delivery" and before.status == "planned":
            after = before.to("allowed", now)
        elif request.action == "cancel_shipment" and before.status in ("planned", "allowed"):
            after = before.to("cancelled", now)
        if after != before:
            await self._record(tx, item, before, after, by_carrier(before.carrier))
        return outputs_of(after)

    async def refused(self, tx: Connection, request: Request, reason: str) -> None:
        """A shipment that its carrier does not take failed; one that it does not change goes on.

        Raises `NotFoundError`.
        """
        item, before = await self._lock(tx, request.tenant, request.subject_id)
        if request.action == "create_shipment" and before.status == "asked":
            after = before.to("failed", self._items.clock(), reason=reason)
            await self._record(tx, item, before, after, by_carrier(before.carrier))

    async def _lock(self, tx: Connection, tenant: UUID, id: UUID) -> tuple[Item, Shipment]:
        found = await store.shipments.find(tx, tenant, id)
        if found is None:
            raise NotFoundError(f"shipment {id}")
        item = await self._items.lock(tx, tenant, found.item_id)
        return item, await self.read(tx, item, id)

    async def _record(self, tx: Connection, item: Item, before: Shipment | None, after: Shipment, actor: Actor) -> None:
        await store.shipments.save(tx, after)
        text = f"{before.status} → {after.status}" if before else f"asked of {after.carrier}: to {after.address}"
        text += f": {after.reason}" if after.reason else ""
        data: dict[str, JsonValue] = {"shipment_id": str(after.id), "status": after.status, "tracking": after.tracking}
        await self._items.note(tx, item, "shipment", text, actor, data)
        await self._items.publish(tx, item, messages.shipment_changed(before, after), actor)


def outputs_of(shipment: Shipment) -> Mapping[str, JsonValue]:
    return {"shipment_id": str(shipment.id), "status": shipment.status, "tracking": shipment.tracking}


def by_carrier(code: str) -> Actor:
    return Actor(by=f"carrier:{code}", origin="intake")
