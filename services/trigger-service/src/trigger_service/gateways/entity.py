"""entity-service's `/internal` API: schemas, contexts, a client's items."""

from collections.abc import Iterable
from itertools import batched
from uuid import UUID

from pydantic import BaseModel

from contracts.asking import MOST_AT_ONCE, Found, Key, ask_contexts
from contracts.contexts import ItemRef, TenantSchema
from contracts.kit.client import ServiceClient, ServiceRefusalError
from contracts.links import LinkedItems, LinkedRequest
from trigger_service.domain.errors import InvalidInputError


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

    async def contexts(self, items: Iterable[Key]) -> dict[Key, Found]:
        """The items (tenant, id) with everything around them, as they are now; those that do not exist are absent."""
        return await ask_contexts(self._client, items)

    async def linked(self, items: Iterable[Key]) -> dict[Key, tuple[UUID, ...]]:
        """What each of the items (tenant, id) is linked with; those without links are absent."""
        refs = [ItemRef(tenant_id=tenant, item_id=item) for tenant, item in items]
        found = dict[Key, tuple[UUID, ...]]()
        for some in batched(refs, MOST_AT_ONCE, strict=False):
            body = LinkedRequest(items=some).model_dump_json()
            answer = await self._client.ask("POST", "/internal/items/linked", body=body)
            linked = LinkedItems.model_validate_json(answer).items
            found |= {(one.tenant_id, one.item_id): one.linked for one in linked}
        return found

    async def open_items(self, tenant: UUID, phone: str | None, email: str | None) -> tuple[UUID, ...]:
        """The open items of the clients with this phone number or e-mail address."""
        asked = {"tenant": str(tenant), "phone": phone, "email": email}
        params = {name: text for name, text in asked.items() if text is not None}
        answer = _Items.model_validate_json(await self._client.ask("GET", "/internal/items/by-contact", params=params))
        return tuple(item.id for item in answer.items)
