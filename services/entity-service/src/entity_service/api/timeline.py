"""`/v1/items/{id}/timeline`: what happened to an item."""

from uuid import UUID

from fastapi import APIRouter

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.responses import find_item
from entity_service.domain.timeline import TimelineEntry


def router(service: Service) -> APIRouter:
    """Everybody may read."""
    routes = APIRouter(prefix="/v1/items/{id}/timeline", tags=["items"])

    @routes.get("")
    async def list_timeline(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[TimelineEntry]:
        """What happened to the item, newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            return paging.by_id(await store.timeline.of_item(tx, caller.tenant, id, paging.id, paging.rows))

    return routes
