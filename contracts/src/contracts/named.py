"""What doc-service and comms-service answer on `/internal` about things that rules name.

`GET /internal/templates/{tenant}` of doc-service answers `TenantTemplates`, `GET /internal/channels/{tenant}` of
comms-service `TenantChannels`; each demands its scope of `contracts.service_calls`.
"""

from typing import Literal
from uuid import UUID

from contracts.values import Value


class TenantTemplates(Value):
    """The codes of templates that documents can be made from: published ones of the tenant's own, and shipped ones."""

    tenant_id: UUID
    templates: tuple[str, ...] = ()


class ChannelName(Value):
    """A channel in use; `default`: messages of its kind that name no channel go out by it."""

    code: str
    kind: Literal["email", "sms"]
    default: bool = False


class TenantChannels(Value):
    """All channels that are not archived."""

    tenant_id: UUID
    channels: tuple[ChannelName, ...] = ()
