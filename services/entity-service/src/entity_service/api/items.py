"""`/v1/items`: items themselves and their moves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, JsonValue

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page, etag, if_match, json_response
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from contracts.messages.entity_commands import FieldAssignment, NewItem
from contracts.texts import Line, Title
from contracts.values import Code, EmployeeId, ItemFields, ItemKind, ItemSnapshot
from entity_service import store
from entity_service.api.inputs import Amount, SearchText
from entity_service.api.responses import actor_of, check_version, create_once, find_item, item_answer
from entity_service.application import Changes
from entity_service.domain.locks import holder
from entity_service.domain.pipelines import place_for_move
from entity_service.messages import Actor


class ItemFieldsInput(ItemFields, Input):
    """What may be said of an item at any time."""

    observer_ids: Annotated[tuple[EmployeeId, ...], Field(max_length=100)] = ()
    contact_ids: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    amount: Amount | None = None
    source: Line | None = None
    fields: Annotated[dict[str, JsonValue], Field(max_length=500)] = Field(default_factory=dict)


class ItemInput(ItemFieldsInput, NewItem):
    """An item to be created; without `pipeline` in the kind's first one, without `stage` in its first stage."""

    title: Title
    pipeline: Code | None = None
    stage: Code | None = None


class ItemPatch(ItemFieldsInput):
    """Only what is given changes; null empties. An emptied amount is computed from the product rows again."""

    title: Title | None = None

    def assignments(self) -> list[FieldAssignment]:
        given = self.model_dump(mode="json", exclude_unset=True)
        custom = {f"fields.{code}": value for code, value in given.pop("fields", {}).items()}
        return [FieldAssignment(field=name, value=value) for name, value in (given | custom).items()]


class StageInput(Input):
    """Where the item is to go; without `pipeline` within its present one."""

    stage: Code
    pipeline: Code | None = None


class CompanyLink(Input):
    """The client's company; null for none."""

    company_id: UUID | None


class LockView(BaseModel):
    """The run of a workflow that keeps rules and other workflows from changing the item; people are not kept out."""

    run_id: UUID
    workflow: str
    since: datetime
    until: datetime
    """When it ends at the latest."""


class ItemView(ItemSnapshot):
    """An item with the lock that is on it now."""

    lock: LockView | None


class Import(Input):
    """Items to be created all together or not at all; `run_rules` says whether their entries start rules."""

    items: Annotated[tuple[ItemInput, ...], Field(min_length=1, max_length=1000)]
    run_rules: bool = False


class Imported(Input):
    """The ids of the imported items, in the order given."""

    ids: list[UUID]


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents may change."""
    routes = APIRouter(prefix="/v1/items", tags=["items"])
    _add_creation(routes, service, changes)
    _add_lists(routes, service)
    _add_changes(routes, service, changes)
    return routes


def _add_creation(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.post("", status_code=201, response_model=ItemSnapshot)
    async def create_item(request: Request, body: ItemInput, caller: Caller = require(Role.AGENT)) -> Response:
        """Creates an item. With an `Idempotency-Key` it may be sent twice."""

        async def create(tx: Connection) -> Response:
            return item_answer(await changes.items.create(tx, caller.tenant, body, actor_of(caller)), 201)

        return await create_once(service, request, caller, create)

    @routes.post("/import", status_code=201, response_model=Imported)
    async def import_items(request: Request, body: Import, caller: Caller = require(Role.AGENT)) -> Response:
        """Creates up to 1000 items, all or none; errors name their rows (`items.3.title`)."""
        actor = Actor(by=caller.subject, origin="import", automation=body.run_rules)

        async def create(tx: Connection) -> Response:
            items = await changes.items.create_all(tx, caller.tenant, body.items, actor)
            return json_response(Imported(ids=[item.id for item in items]), 201)

        return await create_once(service, request, caller, create)


def _add_lists(routes: APIRouter, service: Service) -> None:
    @routes.get("/{id}", response_model=ItemView)
    async def get_item(id: UUID, caller: Caller = require(Role.VIEWER)) -> Response:
        """The item; its `ETag` is what `If-Match` of a change expects."""
        async with service.database.transaction(caller.tenant) as tx:
            item = await find_item(tx, caller, id)
            held = holder(await store.locks.of_item(tx, caller.tenant, id, service.clock()))
        lock = LockView.model_validate(dict(held)) if held else None
        view = ItemView.model_construct(**dict(item.snapshot()), lock=lock)
        return json_response(view, headers={"etag": etag(item.version)})

    @routes.get("")
    async def list_items(  # noqa: PLR0913 - one parameter per filter
        paging: Paged,
        kind: ItemKind | None = None,
        pipeline: Code | None = None,
        stage: Code | None = None,
        responsible: UUID | None = None,
        contact: UUID | None = None,
        company: UUID | None = None,
        updated_since: Moment | None = None,
        q: SearchText = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[ItemSnapshot]:
        """Items, newest first; `q` is looked for in titles. 422 for a kind that there is not."""
        wanted = store.items.Filter(
            kind=kind,
            pipeline=pipeline,
            stage=stage,
            responsible=responsible,
            contact=contact,
            company=company,
            updated_since=updated_since,
            text=q,
            before=paging.id,
        )
        async with service.database.transaction(caller.tenant) as tx:
            if kind is not None:
                await store.item_types.check_known(tx, caller.tenant, kind, "query.kind")
            items = await store.items.search(tx, caller.tenant, wanted, paging.rows)
        return paging.by_id([item.snapshot() for item in items])


def _add_changes(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.patch("/{id}", response_model=ItemSnapshot)
    async def patch_item(request: Request, id: UUID, body: ItemPatch, caller: Caller = require(Role.AGENT)) -> Response:
        """Changes fields; demands `If-Match`."""
        seen = if_match(request)
        async with service.database.transaction(caller.tenant) as tx:
            item = await changes.items.lock(tx, caller.tenant, id)
            check_version(item, seen)
            return item_answer(await changes.items.assign(tx, item, body.assignments(), actor_of(caller)))

    @routes.put("/{id}/stage", response_model=ItemSnapshot)
    async def move_item(request: Request, id: UUID, body: StageInput, caller: Caller = require(Role.AGENT)) -> Response:
        """Moves the item to a stage; demands `If-Match`. Where the item is already there, nothing happens."""
        seen = if_match(request)
        async with service.database.transaction(caller.tenant) as tx:
            item = await changes.items.lock(tx, caller.tenant, id)
            check_version(item, seen)
            pipelines = await store.pipelines.some(tx, caller.tenant, {item.pipeline, body.pipeline or item.pipeline})
            place = place_for_move(pipelines, item, body.pipeline, body.stage)
            return item_answer(await changes.items.move(tx, item, place, actor_of(caller)))

    @routes.put("/{id}/company", response_model=ItemSnapshot)
    async def link_company(id: UUID, body: CompanyLink, caller: Caller = require(Role.AGENT)) -> Response:
        """Sets the client's company."""
        assignment = FieldAssignment(field="company_id", value=str(body.company_id) if body.company_id else None)
        async with service.database.transaction(caller.tenant) as tx:
            item = await changes.items.lock(tx, caller.tenant, id)
            return item_answer(await changes.items.assign(tx, item, [assignment], actor_of(caller)))

    @routes.delete("/{id}", status_code=204)
    async def delete_item(id: UUID, caller: Caller = require(Role.AGENT)) -> Response:
        """Deletes the item with its rows, tasks, activities and timeline."""
        async with service.database.transaction(caller.tenant) as tx:
            item = await changes.items.lock(tx, caller.tenant, id)
            await changes.items.delete(tx, item, actor_of(caller))
        return Response(status_code=204)
