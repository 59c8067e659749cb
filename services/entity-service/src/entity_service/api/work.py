"""`/v1/items/{id}/activities`, `…/tasks`, `…/products`, `…/timeline`, `…/links` and `/v1/tasks`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from contracts.contexts import ProductContext
from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Cursor, Limit, Page, not_found
from contracts.kit.service import Service
from contracts.messages.entity_commands import CreateTask
from contracts.taxes import net_of, tax_of
from contracts.texts import ONE_LINE, Line, Title
from contracts.values import MAX_NUMBER, Currency, ItemKind, Money
from entity_service import store
from entity_service.api.inputs import Text, before
from entity_service.api.responses import actor_of, create_once, created, page
from entity_service.application import Changes
from entity_service.domain.activities import Activity, ActivityKind, NewActivity
from entity_service.domain.items import Item
from entity_service.domain.tasks import Task, TaskStatus
from entity_service.domain.timeline import TimelineEntry

Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
People = Annotated[tuple[UUID, ...], Field(max_length=100)]


class ActivityInput(Input):
    """What a person did about the item."""

    kind: ActivityKind
    subject: Title
    text: Text = ""


class TaskInput(Input):
    """Something to be done about the item; without assignee by its responsible person."""

    name: Title
    description: Text = ""
    assignee_id: UUID | None = None
    deadline: Moment | None = None
    participants: People = ()
    observers: People = ()
    checklist: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    priority: Literal["normal", "high"] = "normal"
    tags: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    complete_on_leave: bool = False


class TaskPatch(Input):
    """How a task goes on."""

    status: TaskStatus


class ProductInput(Input):
    """A product row; `price` of one unit in minor units, before discount and tax."""

    name: Title
    quantity: Annotated[Decimal, Field(gt=0, le=1_000_000_000, max_digits=16, decimal_places=6)] = Decimal(1)
    unit: Annotated[str, StringConstraints(min_length=1, max_length=50), ONE_LINE] = "pcs"
    price: Annotated[int, Field(ge=0, le=MAX_NUMBER)]
    discount_percent: Percent = Decimal(0)
    tax_percent: Percent = Decimal(0)

    def row(self, currency: str) -> ProductContext:
        price = Money(amount=self.price, currency=currency)
        net = net_of(price, self.quantity, self.discount_percent)
        total = Money(amount=net.amount + tax_of(net.amount, self.tax_percent), currency=currency)
        return ProductContext(**self.model_dump(exclude={"price"}), price=price, net=net, total=total)


class ProductRows(Input):
    """Product rows; `currency` by default that of the item's amount, else the tenant's."""

    rows: Annotated[tuple[ProductInput, ...], Field(max_length=500)]
    currency: Currency | None = None


class Products(BaseModel):
    """The item's product rows, and what it amounts to now: their sum unless the amount was given by hand."""

    rows: list[ProductContext]
    amount: Money | None


class Link(BaseModel):
    """Another item that came from this one (`to`), or from which this one came (`from`)."""

    relation: Literal["copy", "follow_up", "invoice"]
    direction: Literal["to", "from"]
    item_id: UUID
    kind: ItemKind
    title: str
    pipeline: str
    stage: str


class WorkRoutes:
    """Everybody may read; agents may write."""

    def __init__(self, service: Service, changes: Changes) -> None:
        self._service = service
        self._changes = changes

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["work"])
        add = router.add_api_route
        add("/items/{id}/activities", self.log, methods=["POST"], status_code=201, response_model=Activity)
        add("/items/{id}/activities", self.activities, methods=["GET"], response_model=Page[Activity])
        add("/items/{id}/tasks", self.create_task, methods=["POST"], status_code=201, response_model=Task)
        add("/items/{id}/tasks", self.item_tasks, methods=["GET"], response_model=Page[Task])
        add("/items/{id}/products", self.append_products, methods=["POST"], status_code=201, response_model=Products)
        add("/items/{id}/products", self.put_products, methods=["PUT"], response_model=Products)
        add("/items/{id}/products", self.products, methods=["GET"], response_model=Products)
        add("/items/{id}/timeline", self.timeline, methods=["GET"], response_model=Page[TimelineEntry])
        add("/items/{id}/links", self.links, methods=["GET"], response_model=Page[Link])
        add("/tasks", self.tasks, methods=["GET"], response_model=Page[Task])
        add("/tasks/{id}", self.patch_task, methods=["PATCH"], response_model=Task)
        return router

    async def log(
        self, request: Request, id: UUID, body: ActivityInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Logs an activity; the item's `activity_count` rises by one."""

        async def do(tx: Connection) -> Response:
            item = await self._changes.items.lock(tx, caller.tenant, id)
            new = NewActivity(body.kind, body.subject, body.text)
            return created(await self._changes.activities.log(tx, item, new, actor_of(caller)))

        return await create_once(self._service, request, caller, do)

    async def activities(
        self, id: UUID, cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[Activity]:
        """What people logged about the item, newest first."""
        async with self._service.database.transaction(caller.tenant) as tx:
            await self._must_exist(tx, caller, id)
            found = await store.activities.of_item(tx, caller.tenant, id, before(cursor), limit + 1)
        return page(found, limit)

    async def create_task(
        self, request: Request, id: UUID, body: TaskInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Creates a task in the item's present stage."""

        async def do(tx: Connection) -> Response:
            item = await self._changes.items.lock(tx, caller.tenant, id)
            wanted = CreateTask(item_id=id, stage=item.stage, created_by=caller.subject, **body.model_dump())
            return created(await self._changes.tasks.create(tx, item, wanted, actor_of(caller)))

        return await create_once(self._service, request, caller, do)

    async def item_tasks(
        self, id: UUID, cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[Task]:
        """The item's tasks, newest first."""
        async with self._service.database.transaction(caller.tenant) as tx:
            await self._must_exist(tx, caller, id)
            wanted = store.tasks.Filter(item=id, before=before(cursor))
            found = await store.tasks.search(tx, caller.tenant, wanted, limit + 1)
        return page(found, limit)

    async def tasks(
        self,
        assignee: UUID | None = None,
        status: TaskStatus | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[Task]:
        """Tasks of all items, newest first."""
        wanted = store.tasks.Filter(assignee=assignee, status=status, before=before(cursor))
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.tasks.search(tx, caller.tenant, wanted, limit + 1)
        return page(found, limit)

    async def patch_task(self, id: UUID, body: TaskPatch, caller: Caller = require(Role.AGENT)) -> Task:
        """Says how a task goes on."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return await self._changes.tasks.set_status(tx, caller.tenant, id, body.status, actor_of(caller))

    async def products(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> Products:
        async with self._service.database.transaction(caller.tenant) as tx:
            return await self._products(tx, await self._must_exist(tx, caller, id))

    async def put_products(self, id: UUID, body: ProductRows, caller: Caller = require(Role.AGENT)) -> Products:
        """Replaces all rows. The item's amount becomes their sum unless it was given by hand."""
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await self._changes.items.lock(tx, caller.tenant, id)
            rows = await self._rows(tx, item, body)
            return await self._products(tx, await self._changes.products.replace(tx, item, rows, actor_of(caller)))

    async def append_products(
        self, request: Request, id: UUID, body: ProductRows, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Adds rows after those that there are."""

        async def do(tx: Connection) -> Response:
            item = await self._changes.items.lock(tx, caller.tenant, id)
            rows = await self._rows(tx, item, body)
            item = await self._changes.products.append(tx, item, rows, actor_of(caller))
            return created(await self._products(tx, item))

        return await create_once(self._service, request, caller, do)

    async def _rows(self, tx: Connection, item: Item, body: ProductRows) -> Sequence[ProductContext]:
        own = item.amount.currency if item.amount else None
        currency = body.currency or own or (await store.tenants.settings(tx, item.tenant_id)).currency
        return [row.row(currency) for row in body.rows]

    async def _products(self, tx: Connection, item: Item) -> Products:
        return Products(rows=await store.products.of_item(tx, item.tenant_id, item.id), amount=item.amount)

    async def timeline(
        self, id: UUID, cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[TimelineEntry]:
        """What happened to the item, newest first."""
        async with self._service.database.transaction(caller.tenant) as tx:
            await self._must_exist(tx, caller, id)
            found = await store.timeline.of_item(tx, caller.tenant, id, before(cursor), limit + 1)
        return page(found, limit)

    async def links(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> Page[Link]:
        """The items that came from this one or from which it came."""
        async with self._service.database.transaction(caller.tenant) as tx:
            await self._must_exist(tx, caller, id)
            found = await store.links.of_item(tx, caller.tenant, id)
        return Page(items=[Link.model_validate(dict(row)) for row in found])

    async def _must_exist(self, tx: Connection, caller: Caller, id: UUID) -> Item:
        item = await store.items.find(tx, caller.tenant, id)
        if item is None:
            raise not_found(f"item {id}")
        return item
