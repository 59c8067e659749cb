"""entity-service's `/internal` API: schemas, contexts, a client's items."""

from collections.abc import Iterable
from itertools import batched
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel

from contracts.contexts import ContextRequest, ContextResponse, ItemContext, ItemRef, TenantSchema
from contracts.kit.auth import ServiceToken
from contracts.kit.broker import OutageError
from trigger_service.errors import InvalidInputError, TriggerServiceError

type Contexts = dict[tuple[UUID, UUID], ItemContext]
"""By tenant and item; items that do not exist are absent."""

MOST_AT_ONCE = 500


class EntityServiceAwayError(OutageError, ConnectionError):
    """entity-service cannot be asked now: consumers wait, leased work is done later, requests are answered 503."""


class EntityServiceError(TriggerServiceError):
    """entity-service did not understand us: a defect of one of the two."""

    def __init__(self, status: int, request: str) -> None:
        super().__init__(f"entity-service answers {status} to {request}")
        self.status = status


class _Item(BaseModel):
    id: UUID


class _Items(BaseModel):
    items: tuple[_Item, ...]


class EntityService:
    """Asks entity-service in this service's own name."""

    def __init__(self, url: str, token: ServiceToken) -> None:
        self._http = httpx.AsyncClient(base_url=url, auth=token, timeout=httpx.Timeout(10, connect=3))

    async def close(self) -> None:
        await self._http.aclose()

    async def schema(self, tenant: UUID) -> TenantSchema:
        """Everything that definitions of the tenant can refer to."""
        try:
            return TenantSchema.model_validate_json(await self._ask("GET", f"/internal/schema/{tenant}"))
        except EntityServiceError as error:
            if error.status != 404:
                raise
            raise InvalidInputError("entity-service does not know this tenant: set the tenant up first", ()) from error

    async def contexts(self, items: Iterable[tuple[UUID, UUID]]) -> Contexts:
        """The items (tenant, id) with everything around them, as they are now."""
        found: Contexts = {}
        for some in batched(dict.fromkeys(items), MOST_AT_ONCE, strict=False):
            refs = tuple(ItemRef(tenant_id=tenant, item_id=item) for tenant, item in some)
            body = ContextRequest(items=refs).model_dump_json(exclude_none=True)
            answer = ContextResponse.model_validate_json(await self._ask("POST", "/internal/contexts", content=body))
            found |= {(context.tenant_id, context.item.id): context for context in answer.contexts}
        return found

    async def open_items(self, tenant: UUID, phone: str | None, email: str | None) -> tuple[UUID, ...]:
        """The open items of the clients with this phone number or e-mail address."""
        asked = {"tenant": str(tenant), "phone": phone, "email": email}
        params = {name: text for name, text in asked.items() if text is not None}
        answer = _Items.model_validate_json(await self._ask("GET", "/internal/items/by-contact", params=params))
        return tuple(item.id for item in answer.items)

    async def _ask(self, method: str, path: str, **what: Any) -> bytes:
        headers = {"content-type": "application/json"} if "content" in what else None
        try:
            response = await self._http.request(method, path, headers=headers, **what)
        except httpx.TransportError as error:
            raise EntityServiceAwayError(f"entity-service cannot be reached: {type(error).__name__}") from error
        if response.status_code in (401, 403, 429) or response.status_code >= 500:
            raise EntityServiceAwayError(f"entity-service answers {response.status_code}")
        if not response.is_success:
            raise EntityServiceError(response.status_code, f"{method} {path}")
        return response.content
