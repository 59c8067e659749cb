"""Triggers of what is booked."""

from collections.abc import Mapping
from typing import Any

from contracts.contexts import TenantSchema
from contracts.issues import unknown
from contracts.messages.entity_events import ResourceBooked
from contracts.values import Code
from trigger_service.triggers.base import EventTriggerType, Issues, Occurrence, TriggerSettings


class ResourceSettings(TriggerSettings):
    """Which resources are meant."""

    resource: Code | None = None
    """Code of the resource; without it any resource will do."""


class ResourceBookedTrigger(EventTriggerType[ResourceSettings, ResourceBooked]):
    """Facts: those of `ResourceBooked`."""

    name = "resource_booked"
    title = "Resource booked"
    group = "Resources"
    description = "a resource is booked for the item; meeting rooms are none"
    context_name = "booking"
    settings = ResourceSettings
    body = ResourceBooked

    def occurrence(self, data: ResourceBooked) -> Occurrence | None:
        if data.kind != "resource":
            return None
        return self.about(data, data.item_id)

    def mismatch(self, settings: ResourceSettings, facts: Mapping[str, Any]) -> str | None:
        if settings.resource in (None, facts["resource"]):
            return None
        return f"{facts['resource']!r} was booked, the trigger waits for {settings.resource!r}"

    def issues(self, settings: ResourceSettings, pipeline: str, schema: TenantSchema) -> Issues:
        if settings.resource is not None and settings.resource not in schema.resources:
            yield "resource", unknown("resource", settings.resource, schema.resources)
