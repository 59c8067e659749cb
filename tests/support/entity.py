"""Stand-ins for other services' HTTP: they answer `/internal` in the contracts' own models from what tests put in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
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
    )


@dataclass
class EntityStandIn:
    """One schema for all tenants, and the items it was given; while `away`, it answers 503.

    `asked` counts requests. `meanwhile` happens once, while somebody waits for the next answer.
    """

    schema: TenantSchema
    away: bool = False
    asked: int = 0
    items: dict[ItemRef, ItemContext] = field(default_factory=dict)
    meanwhile: Callable[[], Awaitable[object]] | None = None

    def put(self, context: ItemContext) -> None:
        self.items[ItemRef(tenant_id=context.tenant_id, item_id=context.item.id)] = context

    def forget(self, tenant: UUID, item: UUID) -> None:
        del self.items[ItemRef(tenant_id=tenant, item_id=item)]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def guard(request: Request, go_on: Any) -> Response:
            self.asked += 1
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await meanwhile()
            if self.away:
                return Response(status_code=503)
            known = request.headers.get("authorization", "").startswith("Bearer ")
            return await go_on(request) if known else Response(status_code=401)

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

        @app.get("/internal/items/by-contact")
        async def by_contact(tenant: UUID, phone: str) -> Response:
            mine = [one for one in self.items.values() if one.tenant_id == tenant and one.contact]
            ids = [{"id": one.item.id} for one in mine if one.contact and one.contact.phone == phone]
            return json_response({"contact_ids": [], "items": ids})

        return app


@dataclass
class TriggersStandIn:
    """Trigger-service with the same triggers for all tenants; while `away`, it answers 503; `together` holds answers up
    until so many have asked.
    """

    triggers: tuple[TriggerPlace, ...] = ()
    away: bool = False
    together: asyncio.Barrier | None = None

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/triggers/{tenant}")
        async def triggers(tenant: UUID) -> Response:
            if self.away:
                return Response(status_code=503)
            if self.together:
                await self.together.wait()
            return json_response(TenantTriggers(tenant_id=tenant, triggers=self.triggers))

        return app


@dataclass
class NamedStandIn:
    """Doc-service's templates and comms-service's channels, the same for all tenants; while `away`, it answers 503."""

    templates: tuple[str, ...] = ("invoice",)
    channels: tuple[ChannelName, ...] = (
        ChannelName(code="mail", kind="email", default=True),
        ChannelName(code="sms", kind="sms", default=True),
    )
    away: bool = False

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/templates/{tenant}")
        async def templates(tenant: UUID) -> Response:
            return self._answer(TenantTemplates(tenant_id=tenant, templates=self.templates))

        @app.get("/internal/channels/{tenant}")
        async def channels(tenant: UUID) -> Response:
            return self._answer(TenantChannels(tenant_id=tenant, channels=self.channels))

        return app

    def _answer(self, body: TenantTemplates | TenantChannels) -> Response:
        return Response(status_code=503) if self.away else json_response(body)
