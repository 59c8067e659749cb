"""What the engine asks entity-service: one tenant that is refused is refused alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Response

from contracts.contexts import ContextRequest, ContextResponse
from contracts.kit.broker import OutageError
from contracts.kit.client import ServiceRefusalError
from contracts.kit.clock import utc_now
from local_stack.ports import free_port
from rule_engine.gateway import EntityService
from rule_engine.settings import Settings
from support.serving import serving

POISON = UUID("00000000-0000-7000-8000-0000000000ff")


@pytest.fixture
async def entity_service(tmp_path: Path) -> AsyncIterator[EntityService]:
    (tmp_path / "entity-service").write_text("a-token")
    app = FastAPI()

    @app.post("/internal/contexts")
    async def contexts(asked: ContextRequest) -> Response:
        if any(ref.tenant_id == POISON for ref in asked.items):
            return Response(status_code=500)
        answer = ContextResponse(tenants={}, items=(), missing=asked.items, read_at=utc_now())
        return Response(answer.model_dump_json(), media_type="application/json")

    @app.get("/internal/schema/{tenant}")
    async def schema(tenant: UUID) -> Response:
        return Response(status_code=404)

    async with serving(app, free_port()) as url:
        made = EntityService(Settings.model_construct(entity_service_url=url, service_tokens_dir=tmp_path))
        yield made
        await made.close()


async def test_a_run_whose_context_is_refused_waits_alone(entity_service: EntityService) -> None:
    tenants = [uuid4(), uuid4(), POISON, uuid4(), uuid4()]
    asking = (entity_service.context(tenant, uuid4(), None) for tenant in tenants)
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found] == [type(None), type(None), OutageError, type(None), type(None)]
    assert str(found[2]) == "entity-service answers 500 to POST /internal/contexts"


async def test_times_of_a_tenant_that_entity_service_does_not_know_are_refused_not_awaited(
    entity_service: EntityService,
) -> None:
    with pytest.raises(ServiceRefusalError, match="answers 404"):
        await entity_service.times([POISON], [])
