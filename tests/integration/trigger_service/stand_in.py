"""A stand-in for entity-service's HTTP: answers `/internal` in the contracts' own models from what tests put in."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

from contracts.contexts import (
    ContactContext,
    ContextRequest,
    ContextResponse,
    FieldSchema,
    ItemContext,
    ItemRef,
    MyCompany,
    PipelineContext,
    PipelineSchema,
    StageContext,
    TenantSchema,
    TenantSettings,
)
from contracts.kit.clock import new_id, utc_now
from contracts.values import ItemSnapshot
from local_stack.ports import free_port

STAGES = tuple(StageContext(code=code, name=code, position=n) for n, code in enumerate(("new", "prepayment", "won")))


@dataclass
class EntityStandIn:
    """Knows the items it was given; while `away`, it answers 503."""

    port: int = field(default_factory=free_port)
    away: bool = False
    asked: int = 0
    items: dict[ItemRef, ItemContext] = field(default_factory=dict)

    def add_deal(self, tenant: UUID, *, phone: str | None = None, **item: Any) -> UUID:
        """A deal in the stage `new`, of a client if there is a phone number."""
        context = _deal(tenant, phone, item)
        self.items[ItemRef(tenant_id=tenant, item_id=context.item.id)] = context
        return context.item.id

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def guard(request: Request, go_on: Any) -> Response:
            self.asked += 1
            known = request.headers.get("authorization", "").startswith("Bearer ")
            return Response(status_code=503) if self.away or not known else await go_on(request)

        @app.get("/internal/schema/{tenant}")
        async def schema(tenant: UUID) -> TenantSchema:
            return _schema(tenant)

        @app.post("/internal/contexts")
        async def contexts(asked: ContextRequest) -> ContextResponse:
            found = tuple(self.items[ref] for ref in asked.items if ref in self.items)
            return ContextResponse(contexts=found, missing=tuple(r for r in asked.items if r not in self.items))

        @app.get("/internal/items/by-contact")
        async def by_contact(tenant: UUID, phone: str | None = None) -> Response:
            mine = [c for c in self.items.values() if c.tenant_id == tenant and c.contact]
            ids = [{"id": c.item.id} for c in mine if c.contact and phone and c.contact.phone == phone]
            return Response(orjson.dumps({"contact_ids": [], "items": ids}), media_type="application/json")

        return app

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """Serves on a port of its own; gives the address."""
        config = uvicorn.Config(self.app(), port=self.port, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.should_exit = True
            await serving


def _deal(tenant: UUID, phone: str | None, item: dict[str, Any]) -> ItemContext:
    now = utc_now()
    fields = {"kind": "deal", "title": "A deal", "pipeline": "sales", "stage": "new", "version": 1, "entry_seq": 1}
    snapshot = ItemSnapshot.model_validate({"id": new_id(), "created_at": now, "updated_at": now, **fields, **item})
    client = phone and ContactContext(id=new_id(), first_name="Client", last_name="One", name="Client One", phone=phone)
    return ItemContext(
        tenant_id=tenant,
        tenant=TenantSettings(name="Shop"),
        item=snapshot,
        contact=client or None,
        contacts=(client,) if client else (),
        stage=STAGES[0],
        pipeline=PipelineContext(code="sales", name="Sales"),
        my_company=MyCompany(),
        read_at=now,
    )


def _schema(tenant: UUID) -> TenantSchema:
    return TenantSchema(
        tenant_id=tenant,
        tenant=TenantSettings(name="Shop"),
        pipelines=(PipelineSchema(code="sales", name="Sales", kind="deal", stages=STAGES),),
        fields=(FieldSchema(code="note", name="Note", kind="deal", type="text"),),
    )
