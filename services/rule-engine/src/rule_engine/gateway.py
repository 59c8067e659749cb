"""Entity-service over HTTP: fresh contexts of items, and what a tenant's authors can refer to."""

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import httpx

from contracts.contexts import ContextRequest, ContextResponse, ItemContext, ItemRef, Part, TenantSchema, TenantSettings
from contracts.kit import telemetry
from contracts.kit.auth import ServiceToken
from contracts.kit.broker import OutageError
from rule_engine.settings import Settings

SETTINGS_FOR_S = 30.0
"""How long a tenant's time zone and language are kept; they change about once in a company's life."""


class EntityService:
    """Every method raises `OutageError` when entity-service does not answer as it should."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.AsyncClient(
            base_url=settings.entity_service_url,
            auth=ServiceToken(settings.service_token_file),
            timeout=httpx.Timeout(10, connect=2),
            limits=httpx.Limits(max_connections=50),
        )
        self._settings: dict[UUID, tuple[float, TenantSettings]] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def context(self, tenant: UUID, item: UUID, parts: Sequence[Part] | None) -> ItemContext | None:
        """The item with its surroundings now; null when it does not exist (any more)."""
        request = ContextRequest(
            items=(ItemRef(tenant_id=tenant, item_id=item),), parts=None if parts is None else tuple(parts)
        )
        answer = await self._call("POST", "/internal/contexts", request.model_dump_json())
        contexts = ContextResponse.model_validate_json(answer).contexts
        return contexts[0] if contexts else None

    async def schema(self, tenant: UUID) -> TenantSchema:
        """What authors of the tenant can refer to."""
        schema = TenantSchema.model_validate_json(await self._call("GET", f"/internal/schema/{tenant}"))
        self._settings[tenant] = (time.monotonic(), schema.tenant)
        return schema

    async def settings(self, tenants: Iterable[UUID]) -> None:
        """Sees to it that `settings_of` knows these tenants."""
        for tenant in set(tenants):
            known = self._settings.get(tenant)
            if known is None or time.monotonic() - known[0] > SETTINGS_FOR_S:
                await self.schema(tenant)

    def settings_of(self, tenant: UUID) -> TenantSettings:
        """The settings fetched last."""
        return self._settings[tenant][1]

    async def _call(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"content-type": "application/json"}
        if traceparent := telemetry.traceparent():
            headers["traceparent"] = traceparent
        try:
            answer = await self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise OutageError(f"entity-service is away: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK:
            raise OutageError(f"entity-service answered {answer.status_code} to {method} {path.split('/')[2]}")
        return answer.content
