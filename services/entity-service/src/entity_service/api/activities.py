"""`/v1/items/{id}/activities`: what people did about an item."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.activities import Activity, ActivityFields


class ActivityInput(ActivityFields, Input):
    """What a person did about the item."""


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1/items/{id}/activities", tags=["activities"])

    @routes.post("", status_code=201, response_model=Activity)
    async def log_activity(
        request: Request, id: UUID, body: ActivityInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Logs an activity; the item's `activity_count` rises by one."""

        async def create(tx: Connection) -> Response:
            item = await changes.items.lock(tx, caller.tenant, id)
            return created(await changes.activities.log(tx, item, body, actor_of(caller)))

        return await create_once(service, request, caller, create)

    @routes.get("")
    async def list_activities(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Activity]:
        """What people logged about the item, newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            return paging.by_id(await store.activities.of_item(tx, caller.tenant, id, paging.id, paging.rows))

    return routes
