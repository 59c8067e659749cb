"""What trigger-service answers on `/internal`: where the triggers of a tenant take items.

`GET /internal/triggers/{tenant}` answers a `TenantTriggers`; it demands its scope of
`contracts.service_calls`.
"""

from uuid import UUID

from contracts.values import Value


class TriggerPlace(Value):
    """A trigger in use: it moves items of `pipeline` to `stage`, only forward unless moving back is allowed."""

    code: str
    type: str
    pipeline: str
    stage: str
    allow_moving_back: bool = False


class TenantTriggers(Value):
    """All triggers that are enabled and not archived."""

    tenant_id: UUID
    triggers: tuple[TriggerPlace, ...] = ()
