"""`/v1/items/{id}/links`: the items that an item is linked with."""

from uuid import UUID

from fastapi import APIRouter

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.responses import find_item
from entity_service.domain.links import Link


def router(service: Service) -> APIRouter:
    """Everybody may read."""
    routes = APIRouter(prefix="/v1/items/{id}/links", tags=["items"])

    @routes.get("")
    async def list_links(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Link]:
        """The items that this one is linked with, oldest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            links = await store.links.of_item(tx, caller.tenant, id, paging.after(tuple[UUID, str]), paging.rows)
        return paging.page(links, lambda link: (link.item_id, link.relation), lambda link: link)

    return routes
