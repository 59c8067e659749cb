"""All trigger types, by name; those that events set off, by event."""

from collections.abc import Mapping
from typing import Any

from contracts.envelope import Body
from trigger_service.triggers.base import EventTriggerType, TriggerType
from trigger_service.triggers.documents import DocumentViewedTrigger
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.payments import InvoicePaid
from trigger_service.triggers.webhooks import Webhook

_ALL: tuple[TriggerType[Any], ...] = (FormSubmitted(), InvoicePaid(), DocumentViewedTrigger(), Webhook())

TRIGGER_TYPES: Mapping[str, TriggerType[Any]] = {kind.name: kind for kind in _ALL}

EVENT_TRIGGERS: Mapping[type[Body], EventTriggerType[Any, Any]] = {
    kind.body: kind for kind in _ALL if isinstance(kind, EventTriggerType)
}
