"""`/v1/items/{id}/tasks` and `/v1/tasks`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from contracts.messages.entity_commands import TaskFields
from contracts.messages.entity_events import TaskStatus
from entity_service import store
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.tasks import Task


class TaskInput(TaskFields, Input):
    """Something to be done about the item; without assignee by its responsible person."""


class TaskPatch(Input):
    """The task's new status."""

    status: TaskStatus


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1", tags=["tasks"])
    _add_changes(routes, service, changes)
    _add_lists(routes, service)
    return routes


def _add_changes(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.post("/items/{id}/tasks", status_code=201, response_model=Task)
    async def create_task(
        request: Request, id: UUID, body: TaskInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Creates a task in the item's present stage."""

        async def create(tx: Connection) -> Response:
            item = await changes.items.lock(tx, caller.tenant, id)
            return created(await changes.tasks.create(tx, item, body, actor_of(caller), stage=item.stage))

        return await create_once(service, request, caller, create)

    @routes.patch("/tasks/{id}")
    async def patch_task(id: UUID, body: TaskPatch, caller: Caller = require(Role.AGENT)) -> Task:
        """Changes the task's status."""
        async with service.database.transaction(caller.tenant) as tx:
            return await changes.tasks.set_status(tx, caller.tenant, id, body.status, actor_of(caller))


def _add_lists(routes: APIRouter, service: Service) -> None:
    @routes.get("/items/{id}/tasks")
    async def list_item_tasks(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Task]:
        """The item's tasks, newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            wanted = store.tasks.Filter(item=id, before=paging.id)
            return paging.by_id(await store.tasks.search(tx, caller.tenant, wanted, paging.rows))

    @routes.get("/tasks")
    async def list_tasks(
        paging: Paged,
        assignee: UUID | None = None,
        status: TaskStatus | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[Task]:
        """Tasks of all items, newest first."""
        wanted = store.tasks.Filter(assignee=assignee, status=status, before=paging.id)
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_id(await store.tasks.search(tx, caller.tenant, wanted, paging.rows))
