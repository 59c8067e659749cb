"""`/v1/pipelines`. Archived, never deleted."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from contracts.contexts import Outcome, PipelineSchema, StageContext
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.texts import Name
from contracts.values import Code, ItemKind
from entity_service import store
from entity_service.domain.pipelines import check_replacement, numbered
from entity_service.quotas import DEFINITIONS


class StageDefinition(Input):
    """A stage; its place in the list is its position."""

    code: Code
    name: Name
    outcome: Outcome = "open"


class PipelineInput(Input):
    """A pipeline with its stages in order."""

    name: Name
    kind: ItemKind
    stages: Annotated[tuple[StageDefinition, ...], Field(min_length=1, max_length=100)]
    archived: bool = False

    def schema_of(self, code: str) -> PipelineSchema:
        stages = numbered(StageContext(**stage.model_dump(), position=0) for stage in self.stages)
        return PipelineSchema(code=code, name=self.name, kind=self.kind, stages=stages, archived=self.archived)


def router(service: Service) -> APIRouter:
    """Everybody may read; authors may write."""
    routes = APIRouter(prefix="/v1/pipelines", tags=["settings"])

    @routes.put("/{code}")
    async def put_pipeline(code: Code, body: PipelineInput, caller: Caller = require(Role.AUTHOR)) -> PipelineSchema:
        """Creates or replaces a pipeline. A stage that holds items cannot be dropped."""
        wanted = body.schema_of(code)
        async with service.database.transaction(caller.tenant) as tx:
            await store.item_types.require(tx, caller.tenant, body.kind)
            before = await store.pipelines.lock(tx, caller.tenant, code)
            held = await store.pipelines.held_stages(tx, caller.tenant, code)
            check_replacement(before, wanted, held)
            await record_put(tx, caller, "pipeline", code, before, wanted, quota=DEFINITIONS)
            await store.pipelines.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_pipeline(code: Code, caller: Caller = require(Role.VIEWER)) -> PipelineSchema:
        async with service.database.transaction(caller.tenant) as tx:
            return found((await store.pipelines.some(tx, caller.tenant, [code])).get(code), f"pipeline {code!r}")

    @routes.get("")
    async def list_pipelines(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[PipelineSchema]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.pipelines.page(tx, caller.tenant, paging.code, paging.rows))

    return routes
