"""`/v1/items/{id}/planned-activities` and `/v1/planned-activities`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.entity_commands import PlannedActivityFields
from contracts.texts import Title
from entity_service import store
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.planned_activities import PlannedActivity, PlannedStatus


class PlannedActivityInput(PlannedActivityFields, Input):
    """Something to be done about the item; without `responsible_id` by its responsible person."""


class PlannedActivityPatch(PlannedActivityFields, Input):
    """What is left out stays as it is."""

    name: Title = ""
    status: PlannedStatus = "open"


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1", tags=["activities"])
    _add_changes(routes, service, changes)
    _add_lists(routes, service)
    return routes


def _add_changes(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.post("/items/{id}/planned-activities", status_code=201, response_model=PlannedActivity)
    async def plan_activity(
        request: Request, id: UUID, body: PlannedActivityInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Plans an activity in the item's present stage; 409 with the next free time when its room is taken."""

        async def create(tx: Connection) -> Response:
            item = await changes.items.lock(tx, caller.tenant, id)
            return created(await changes.planned.plan(tx, item, body, actor_of(caller), stage=item.stage))

        return await create_once(service, request, caller, create)

    @routes.patch("/planned-activities/{id}")
    async def patch_planned_activity(
        id: UUID, body: PlannedActivityPatch, caller: Caller = require(Role.AGENT)
    ) -> PlannedActivity:
        """Changes what is named; its room is booked for the new time, or given back."""
        values = {name: getattr(body, name) for name in body.model_fields_set}
        async with service.database.transaction(caller.tenant) as tx:
            return await changes.planned.change(tx, caller.tenant, id, values, actor_of(caller))


def _add_lists(routes: APIRouter, service: Service) -> None:
    @routes.get("/items/{id}/planned-activities")
    async def list_planned_of_item(
        id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)
    ) -> Page[PlannedActivity]:
        """The item's planned activities, newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            wanted = store.planned_activities.Filter(item=id, before=paging.id)
            return paging.by_id(await store.planned_activities.search(tx, caller.tenant, wanted, paging.rows))

    @routes.get("/planned-activities")
    async def list_planned(
        paging: Paged,
        responsible: UUID | None = None,
        status: PlannedStatus | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[PlannedActivity]:
        """Planned activities of all items, newest first."""
        wanted = store.planned_activities.Filter(responsible=responsible, status=status, before=paging.id)
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_id(await store.planned_activities.search(tx, caller.tenant, wanted, paging.rows))

    @routes.get("/planned-activities/{id}")
    async def get_planned_activity(id: UUID, caller: Caller = require(Role.VIEWER)) -> PlannedActivity:
        async with service.database.transaction(caller.tenant) as tx:
            one = await store.planned_activities.find(tx, caller.tenant, id)
            return found(one, f"planned activity {id}")
