"""`/v1/items`: items themselves and their moves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, JsonValue

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Cursor, Limit, Page, if_match, json_response, not_found
from contracts.kit.service import Service
from contracts.messages.entity_commands import FieldAssignment
from contracts.texts import Line, Title
from contracts.values import Code, ItemKind, ItemSnapshot
from entity_service import store
from entity_service.api.inputs import Amount, SearchText, before
from entity_service.api.responses import actor_of, check_version, create_once, item_answer, page
from entity_service.application import Changes
from entity_service.domain.items import Item, ItemDraft
from entity_service.domain.pipelines import place_for_move
from entity_service.messages import Actor


class ItemInput(Input):
    """What may be said of an item at any time."""

    responsible_id: UUID | None = None
    contact_ids: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    company_id: UUID | None = None
    amount: Amount | None = None
    source: Line | None = None
    fields: Annotated[dict[str, JsonValue], Field(max_length=500)] = Field(default_factory=dict)


class NewItem(ItemInput):
    """An item to be created; without `pipeline` in the kind's first one, without `stage` in its first stage."""

    kind: ItemKind
    title: Title
    pipeline: Code | None = None
    stage: Code | None = None

    def draft(self) -> ItemDraft:
        return ItemDraft(**{name: getattr(self, name) for name in type(self).model_fields})


class ItemPatch(ItemInput):
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


class Import(Input):
    """Items to be created all together or not at all; `run_rules` says whether their entries start rules."""

    items: Annotated[tuple[NewItem, ...], Field(min_length=1, max_length=1000)]
    run_rules: bool = False


class Imported(Input):
    """The ids of the imported items, in the order given."""

    ids: list[UUID]


class ItemRoutes:
    """Everybody may read; agents may change."""

    def __init__(self, service: Service, changes: Changes) -> None:
        self._service = service
        self._changes = changes

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1/items", tags=["items"])
        add = router.add_api_route
        add("", self.create, methods=["POST"], status_code=201, response_model=ItemSnapshot)
        add("", self.search, methods=["GET"], response_model=Page[ItemSnapshot])
        add("/import", self.import_all, methods=["POST"], status_code=201, response_model=Imported)
        add("/{id}", self.read, methods=["GET"], response_model=ItemSnapshot)
        add("/{id}", self.patch, methods=["PATCH"], response_model=ItemSnapshot)
        add("/{id}", self.delete, methods=["DELETE"], status_code=204)
        add("/{id}/stage", self.move, methods=["PUT"], response_model=ItemSnapshot)
        add("/{id}/company", self.link_company, methods=["PUT"], response_model=ItemSnapshot)
        return router

    async def create(self, request: Request, body: NewItem, caller: Caller = require(Role.AGENT)) -> Response:
        """Creates an item. With an `Idempotency-Key` it may be sent twice."""

        async def do(tx: Connection) -> Response:
            item = await self._changes.items.create(tx, caller.tenant, body.draft(), actor_of(caller))
            return item_answer(item, 201)

        return await create_once(self._service, request, caller, do)

    async def import_all(self, request: Request, body: Import, caller: Caller = require(Role.AGENT)) -> Response:
        """Creates up to 1000 items, all or none; errors name their rows (`items.3.title`)."""
        actor = Actor(by=caller.subject, origin="import", automation=body.run_rules)

        async def do(tx: Connection) -> Response:
            drafts = [item.draft() for item in body.items]
            items = await self._changes.items.create_all(tx, caller.tenant, drafts, actor)
            return json_response(Imported(ids=[item.id for item in items]), 201)

        return await create_once(self._service, request, caller, do)

    async def read(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> Response:
        """The item; its `ETag` is what `If-Match` of a change expects."""
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await store.items.find(tx, caller.tenant, id)
        if item is None:
            raise not_found(f"item {id}")
        return item_answer(item)

    async def search(  # noqa: PLR0913 - one parameter per filter
        self,
        kind: ItemKind | None = None,
        pipeline: Code | None = None,
        stage: Code | None = None,
        responsible: UUID | None = None,
        contact: UUID | None = None,
        company: UUID | None = None,
        updated_since: Moment | None = None,
        q: SearchText = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[ItemSnapshot]:
        """Items, newest first; `q` is looked for in titles."""
        wanted = store.items.Filter(
            kind=kind,
            pipeline=pipeline,
            stage=stage,
            responsible=responsible,
            contact=contact,
            company=company,
            updated_since=updated_since,
            text=q,
            before=before(cursor),
        )
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.items.search(tx, caller.tenant, wanted, limit + 1)
        return page([item.snapshot() for item in found], limit)

    async def patch(
        self, request: Request, id: UUID, body: ItemPatch, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Changes fields; demands `If-Match`."""
        seen = if_match(request)
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await self._lock(tx, caller, id, seen)
            item = await self._changes.items.assign(tx, item, body.assignments(), actor_of(caller))
        return item_answer(item)

    async def move(
        self, request: Request, id: UUID, body: StageInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Moves the item to a stage; demands `If-Match`. To where it is already, nothing happens."""
        seen = if_match(request)
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await self._lock(tx, caller, id, seen)
            named = {item.pipeline, body.pipeline or item.pipeline}
            pipelines = await store.pipelines.some(tx, caller.tenant, named)
            place = place_for_move(pipelines, item, body.pipeline, body.stage)
            item = await self._changes.items.move(tx, item, place, actor_of(caller))
        return item_answer(item)

    async def link_company(self, id: UUID, body: CompanyLink, caller: Caller = require(Role.AGENT)) -> Response:
        """Sets the client's company."""
        value = str(body.company_id) if body.company_id else None
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await self._lock(tx, caller, id, None)
            assignment = FieldAssignment(field="company_id", value=value)
            item = await self._changes.items.assign(tx, item, [assignment], actor_of(caller))
        return item_answer(item)

    async def delete(self, id: UUID, caller: Caller = require(Role.AGENT)) -> Response:
        """Deletes the item with its rows, tasks, activities and timeline."""
        async with self._service.database.transaction(caller.tenant) as tx:
            item = await self._lock(tx, caller, id, None)
            await self._changes.items.delete(tx, item, actor_of(caller))
        return Response(status_code=204)

    async def _lock(self, tx: Connection, caller: Caller, id: UUID, seen: int | None) -> Item:
        item = await self._changes.items.lock(tx, caller.tenant, id)
        check_version(item, seen)
        return item
