"""Triggers of what becomes of a deal's shipments."""

from typing import ClassVar

from contracts.messages.entity_events import ShipmentChanged, ShipmentStatus
from trigger_service.triggers.base import EventTriggerType, NoSettings, Occurrence


class ShipmentTrigger(EventTriggerType[NoSettings, ShipmentChanged]):
    """What triggers of shipments have in common: each waits for one status."""

    group = "Shipments"
    context_name = "shipment"
    settings = NoSettings
    body = ShipmentChanged
    status: ClassVar[ShipmentStatus]

    def occurrence(self, data: ShipmentChanged) -> Occurrence | None:
        return self.about(data, data.item_id) if data.status == self.status != data.previous else None


class ShipmentAllowed(ShipmentTrigger):
    """Facts: those of `ShipmentChanged`."""

    name = "shipment_allowed"
    title = "Delivery allowed"
    description = "the carrier is told that a shipment of the deal may go"
    status = "allowed"


class ShipmentTracking(ShipmentTrigger):
    """Facts: those of `ShipmentChanged`."""

    name = "shipment_tracking"
    title = "Tracking number known"
    description = "the carrier gives a shipment of the deal its tracking number, or another one"

    def occurrence(self, data: ShipmentChanged) -> Occurrence | None:
        return self.about(data, data.item_id) if data.tracking_changed and data.tracking else None


class ShipmentShipped(ShipmentTrigger):
    """Facts: those of `ShipmentChanged`."""

    name = "shipment_shipped"
    title = "Shipped"
    description = "a shipment of the deal is on its way"
    status = "shipped"


class ShipmentDelivered(ShipmentTrigger):
    """Facts: those of `ShipmentChanged`."""

    name = "shipment_delivered"
    title = "Delivered"
    description = "a shipment of the deal has reached the client"
    status = "delivered"


class OrderCancelled(ShipmentTrigger):
    """Facts: those of `ShipmentChanged`."""

    name = "order_cancelled"
    title = "Order cancelled"
    description = "a shipment of the deal is cancelled, by the shop or by the carrier"
    status = "cancelled"
