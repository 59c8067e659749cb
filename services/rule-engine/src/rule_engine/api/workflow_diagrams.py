"""`/v1/workflows/{code}/diagram`: workflows as drawings."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from contracts.kit.auth import Caller, Role, require
from rule_engine.api.versions import Wanted
from rule_engine.api.workflows import CodePath, Reading
from rule_engine.domain.authoring.workflow_diagram import mermaid


def router(reading: Reading) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/workflows", tags=["workflows"])

    @routes.get("/{code}/diagram", response_class=PlainTextResponse)
    async def get_workflow_diagram(
        code: CodePath, version: Annotated[Wanted | None, Query()] = None, caller: Caller = require(Role.VIEWER)
    ) -> PlainTextResponse:
        """The workflow as a Mermaid flow chart."""
        found = await reading.one(caller.tenant, code, version)
        return PlainTextResponse(mermaid(found.document), media_type="text/vnd.mermaid")

    return routes
