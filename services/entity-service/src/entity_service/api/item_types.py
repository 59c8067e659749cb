"""`/v1/item-types`: types of items beside the four that are built in. Archived, never deleted."""

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.item_types import ItemTypeFields
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import Code
from entity_service import store
from entity_service.domain.item_types import CustomType, check_replacement
from entity_service.quotas import DEFINITIONS


class ItemTypeInput(ItemTypeFields, Input):
    """A type of items."""

    archived: bool = False


def router(service: Service) -> APIRouter:
    """Everybody may read; authors may write."""
    routes = APIRouter(prefix="/v1/item-types", tags=["settings"])

    @routes.put("/{code}")
    async def put_item_type(code: Code, body: ItemTypeInput, caller: Caller = require(Role.AUTHOR)) -> CustomType:
        """Creates or replaces a type. One in use cannot be archived, nor lose what its items have."""
        wanted = CustomType(code=code, **dict(body))
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.item_types.lock(tx, caller.tenant, code)
            check_replacement(before, wanted, await store.item_types.usage(tx, caller.tenant, code))
            await record_put(tx, caller, "item-type", code, before, wanted, quota=DEFINITIONS)
            await store.item_types.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_item_type(code: Code, caller: Caller = require(Role.VIEWER)) -> CustomType:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.item_types.find(tx, caller.tenant, code), f"item type {code!r}")

    @routes.get("")
    async def list_item_types(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[CustomType]:
        """By code; archived ones too, those that are built in not."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.item_types.page(tx, caller.tenant, paging.code, paging.rows))

    return routes
