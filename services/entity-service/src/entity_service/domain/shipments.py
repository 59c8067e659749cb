"""Shipments of deals, and which news about them count."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_events import ShipmentStatus
from contracts.reports import ShipmentReport
from contracts.values import Value
from entity_service.domain.errors import ConflictError

_REPORTED: Mapping[ShipmentStatus, frozenset[ShipmentStatus]] = {
    "asked": frozenset({"shipped", "delivered", "cancelled"}),
    "planned": frozenset({"shipped", "delivered", "cancelled"}),
    "allowed": frozenset({"shipped", "delivered", "cancelled"}),
    "shipped": frozenset({"delivered"}),
    "delivered": frozenset(),
    "cancelled": frozenset(),
    "failed": frozenset({"shipped", "delivered"}),
}
"""A carrier that we took for not having it may say otherwise."""


class Shipment(Value):
    """Something that a carrier is to bring to a client."""

    tenant_id: UUID
    id: UUID
    item_id: UUID
    carrier: str
    address: str
    window_start: AwareDatetime | None = None
    window_end: AwareDatetime | None = None
    status: ShipmentStatus
    tracking: str | None = None
    reason: str | None = None
    """Why it failed."""
    created_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime

    def to(self, status: ShipmentStatus, now: datetime, **changes: object) -> "Shipment":
        return self.model_copy(update={"status": status, "updated_at": now, **changes})


def after_report(shipment: Shipment, report: ShipmentReport, now: datetime) -> Shipment:
    """The shipment with what is new in the report: itself when nothing is, as in repeated and overtaken ones."""
    status = report.status if report.status in _REPORTED[shipment.status] else None
    tracking = report.tracking or shipment.tracking
    if status is None and tracking == shipment.tracking:
        return shipment
    return shipment.to(status or shipment.status, now, tracking=tracking)


def check_change(shipment: Shipment, what: str) -> None:
    """Raises `ConflictError` for a shipment that the carrier does not have any more, or not yet."""
    match shipment.status:
        case "asked":
            raise ConflictError(f"the carrier has not answered yet: the shipment cannot be {what} before")
        case "shipped" | "delivered" | "failed" as status:
            raise ConflictError(f"the shipment is {status}: it cannot be {what} any more")
        case "cancelled" if what != "cancelled":
            raise ConflictError(f"the shipment is cancelled: it cannot be {what} any more")
