"""All trigger types, by name; those that events set off, by event."""

from collections.abc import Mapping
from typing import Any

from contracts.envelope import Body
from trigger_service.triggers.base import EventTriggerType, TriggerType
from trigger_service.triggers.documents import DocumentCreatedTrigger, DocumentViewedTrigger, QrScannedTrigger
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.items import FieldChanged, ResponsibleChanged, TaskStatusReached
from trigger_service.triggers.linked_items import LinkedItemStage
from trigger_service.triggers.payments import InvoicePaid, PaymentReceived
from trigger_service.triggers.resources import ResourceBookedTrigger
from trigger_service.triggers.shipments import (
    OrderCancelled,
    ShipmentAllowed,
    ShipmentDelivered,
    ShipmentShipped,
    ShipmentTracking,
)
from trigger_service.triggers.webhooks import Webhook

_ALL: tuple[TriggerType[Any], ...] = (
    FormSubmitted(),
    InvoicePaid(),
    PaymentReceived(),
    DocumentCreatedTrigger(),
    DocumentViewedTrigger(),
    QrScannedTrigger(),
    ShipmentAllowed(),
    ShipmentTracking(),
    ShipmentShipped(),
    ShipmentDelivered(),
    OrderCancelled(),
    FieldChanged(),
    ResponsibleChanged(),
    TaskStatusReached(),
    LinkedItemStage(),
    ResourceBookedTrigger(),
    Webhook(),
)

TRIGGER_TYPES: Mapping[str, TriggerType[Any]] = {kind.name: kind for kind in _ALL}

_OF_EVENTS = [kind for kind in _ALL if isinstance(kind, EventTriggerType)]

EVENT_TRIGGERS: Mapping[type[Body], tuple[EventTriggerType[Any, Any], ...]] = {
    body: tuple(kind for kind in _OF_EVENTS if kind.body is body) for body in {kind.body: None for kind in _OF_EVENTS}
}
"""Several types may look for one event."""
