"""entity-service's `/internal` API: schemas, contexts, a client's items."""

from collections.abc import Iterable
from itertools import batched
from uuid import UUID

from pydantic import BaseModel

from contracts.contexts import ContextRequest, ContextResponse, ItemContext, ItemRef, TenantSchema
from contracts.kit.client import ServiceClient, ServiceRefusalError
from trigger_service.errors import InvalidInputError

type Contexts = dict[tuple[UUID, UUID], ItemContext]
"""By tenant and item; items that do not exist are absent."""

MOST_AT_ONCE = 500


class _Item(BaseModel):
    id: UUID


class _Items(BaseModel):
    items: tuple[_Item, ...]


class EntityService:
    """Every method raises `ServiceAwayError` while entity-service cannot be asked."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def schema(self, tenant: UUID) -> TenantSchema:
        """Everything that definitions of the tenant can refer to."""
        try:
            return TenantSchema.model_validate_json(await self._client.ask("GET", f"/internal/schema/{tenant}"))
        except ServiceRefusalError as error:
            if error.status != 404:
                raise
            raise InvalidInputError("entity-service does not know this tenant: set the tenant up first", ()) from error

    async def contexts(self, items: Iterable[tuple[UUID, UUID]]) -> Contexts:
        """The items (tenant, id) with everything around them, as they are now."""
        found: Contexts = {}
        for some in batched(dict.fromkeys(items), MOST_AT_ONCE, strict=False):
            refs = tuple(ItemRef(tenant_id=tenant, item_id=item) for tenant, item in some)
            body = ContextRequest(items=refs).model_dump_json(exclude_none=True)
            answer = ContextResponse.model_validate_json(
                await self._client.ask("POST", "/internal/contexts", body=body)
            )
            found |= {(context.tenant_id, context.item.id): context for context in answer.contexts}
        return found

    async def open_items(self, tenant: UUID, phone: str | None, email: str | None) -> tuple[UUID, ...]:
        """The open items of the clients with this phone number or e-mail address."""
        asked = {"tenant": str(tenant), "phone": phone, "email": email}
        params = {name: text for name, text in asked.items() if text is not None}
        answer = _Items.model_validate_json(await self._client.ask("GET", "/internal/items/by-contact", params=params))
        return tuple(item.id for item in answer.items)
