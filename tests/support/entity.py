"""Stand-ins for other services' HTTP: they answer `/internal` in the contracts' own models from what tests put in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import FastAPI, Request, Response

from contracts.contexts import (
    ContextRequest,
    ContextResponse,
    ItemContext,
    ItemRecord,
    ItemRef,
    StageItems,
    TenantRecords,
    TenantSchema,
)
from contracts.kit.clock import utc_now
from contracts.kit.http import json_response
from contracts.links import LinkedItems, LinkedRequest, LinkedTo
from contracts.named import ChannelName, TenantChannels, TenantTemplates
from contracts.triggers import TenantTriggers, TriggerPlace
from entity_service.domain.packing import Packing


def answered(known: Mapping[ItemRef, ItemContext], asked: Sequence[ItemRef]) -> ContextResponse:
    """As entity-service answers: the same packing, over contexts that tests made up."""
    packing = Packing(next((known[ref].read_at for ref in asked if ref in known), utc_now()))
    for ref in asked:
        if ref in known:
            packing.add(ref, *_taken_apart(known[ref]), complete=True)
        else:
            packing.missing.append(ref)
    return packing.response()


def _taken_apart(context: ItemContext) -> tuple[ItemRecord, TenantRecords]:
    responsible, company = context.responsible, context.company
    refers = {"contact_ids": tuple(one.id for one in context.contacts), "company_id": company.id if company else None}
    if responsible:
        refers["responsible_id"] = responsible.id
    item = context.item.model_copy(update=refers)
    record = ItemRecord(
        tenant_id=context.tenant_id,
        item=item,
        products=context.products,
        stage=context.stage,
        pipeline=context.pipeline,
    )
    employee = item.responsible_id
    return record, TenantRecords(
        settings=context.tenant,
        my_company=context.my_company,
        contacts={one.id: one for one in context.contacts},
        companies={company.id: company} if company else {},
        responsible={employee: responsible} if employee and responsible else {},
        supervisors={employee: context.supervisor} if employee and context.supervisor else {},
        reassignments=context.reassignments,
        substitutes=context.substitutes,
        members=context.members,
    )


@dataclass(kw_only=True)
class StandIn:
    """A service that answers requests with a bearer token; while `away`, it answers 503.

    `asked` counts requests. `meanwhile` happens once, before the next answer. `barrier` delays answers until so many
    requests have come.
    """

    away: bool = False
    asked: int = 0
    meanwhile: Callable[[], Awaitable[object]] | None = None
    barrier: asyncio.Barrier | None = None

    def __post_init__(self) -> None:
        self._initial = dict(vars(self))

    def restore(self) -> None:
        """Undoes what a test has changed."""
        vars(self).update(self._initial)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.middleware("http")(self._guard)
        self.add_routes(app)
        return app

    def add_routes(self, app: FastAPI) -> None:
        raise NotImplementedError

    async def _guard(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        self.asked += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if self.barrier is not None:
            await self.barrier.wait()
        if self.away:
            return Response(status_code=503)
        known = request.headers.get("authorization", "").startswith("Bearer ")
        return await go_on(request) if known else Response(status_code=401)


@dataclass
class EntityStandIn(StandIn):
    """Entity-service with one schema for all tenants, and the items it was given."""

    schema: TenantSchema
    items: dict[ItemRef, ItemContext] = field(default_factory=dict)
    links: dict[ItemRef, tuple[UUID, ...]] = field(default_factory=dict)

    def put(self, context: ItemContext) -> None:
        self.items[ItemRef(tenant_id=context.tenant_id, item_id=context.item.id)] = context

    def forget(self, tenant: UUID, item: UUID) -> None:
        del self.items[ItemRef(tenant_id=tenant, item_id=item)]

    def add_routes(self, app: FastAPI) -> None:
        @app.get("/internal/schema/{tenant}")
        async def schema(tenant: UUID) -> Response:
            return json_response(self.schema.model_copy(update={"tenant_id": tenant}))

        @app.post("/internal/contexts")
        async def contexts(asked: ContextRequest) -> Response:
            return json_response(answered(self.items, asked.items))

        @app.get("/internal/items/in-stage")
        async def in_stage(tenant: UUID, pipeline: str, stage: str, limit: int, after: UUID | None = None) -> Response:
            there = [one.item for one in self.items.values() if one.tenant_id == tenant]
            mine = sorted((i for i in there if (i.pipeline, i.stage) == (pipeline, stage)), key=lambda item: item.id)
            page = tuple(item for item in mine if after is None or item.id > after)[:limit]
            return json_response(StageItems(items=page, total=None if after else len(mine)))

        @app.post("/internal/items/linked")
        async def linked(asked: LinkedRequest) -> Response:
            found = [LinkedTo(**dict(ref), linked=self.links[ref]) for ref in asked.items if ref in self.links]
            return json_response(LinkedItems(items=tuple(found)))

        @app.get("/internal/items/by-contact")
        async def by_contact(tenant: UUID, phone: str) -> Response:
            mine = [one for one in self.items.values() if one.tenant_id == tenant and one.contact]
            ids = [{"id": one.item.id} for one in mine if one.contact and one.contact.phone == phone]
            return json_response({"contact_ids": [], "items": ids})


@dataclass
class TriggersStandIn(StandIn):
    """Trigger-service with the same triggers for all tenants."""

    triggers: tuple[TriggerPlace, ...] = ()

    def add_routes(self, app: FastAPI) -> None:
        @app.get("/internal/triggers/{tenant}")
        async def triggers(tenant: UUID) -> Response:
            return json_response(TenantTriggers(tenant_id=tenant, triggers=self.triggers))


@dataclass
class NamedStandIn(StandIn):
    """Doc-service's templates and comms-service's channels, the same for all tenants."""

    templates: tuple[str, ...] = ("invoice",)
    channels: tuple[ChannelName, ...] = (
        ChannelName(code="mail", kind="email", default=True),
        ChannelName(code="sms", kind="sms", default=True),
    )

    def add_routes(self, app: FastAPI) -> None:
        @app.get("/internal/templates/{tenant}")
        async def templates(tenant: UUID) -> Response:
            return json_response(TenantTemplates(tenant_id=tenant, templates=self.templates))

        @app.get("/internal/channels/{tenant}")
        async def channels(tenant: UUID) -> Response:
            return json_response(TenantChannels(tenant_id=tenant, channels=self.channels))
