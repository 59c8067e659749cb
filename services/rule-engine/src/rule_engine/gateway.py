"""Entity-service over HTTP: fresh contexts of items, and what a tenant's authors can refer to."""

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from contracts.contexts import ContextRequest, ContextResponse, ItemContext, ItemRef, Part, TenantSchema, TenantSettings
from contracts.kit.broker import OutageError
from contracts.kit.client import ServiceClient, ServiceRefusalError
from rule_engine.settings import Settings

SETTINGS_FOR_S = 30.0
"""How long a tenant's time zone and language are kept; they change about once in a company's life."""


class EntityService:
    """Every method raises `OutageError` when entity-service does not answer as it should."""

    def __init__(self, settings: Settings) -> None:
        self._client = ServiceClient("entity-service", settings.entity_service_url, settings.service_token_file)
        self._settings: dict[UUID, tuple[float, TenantSettings]] = {}

    async def close(self) -> None:
        await self._client.close()

    async def context(self, tenant: UUID, item: UUID, parts: Sequence[Part] | None) -> ItemContext | None:
        """The item with its surroundings now; null when it does not exist (any more)."""
        request = ContextRequest(
            items=(ItemRef(tenant_id=tenant, item_id=item),), parts=None if parts is None else tuple(parts)
        )
        answer = await self._ask("POST", "/internal/contexts", request.model_dump_json())
        contexts = ContextResponse.model_validate_json(answer).contexts
        return contexts[0] if contexts else None

    async def schema(self, tenant: UUID) -> TenantSchema:
        """What authors of the tenant can refer to."""
        schema = TenantSchema.model_validate_json(await self._ask("GET", f"/internal/schema/{tenant}"))
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

    async def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        try:
            return await self._client.ask(method, path, body=body)
        except ServiceRefusalError as error:
            raise OutageError(str(error)) from error
