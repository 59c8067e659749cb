"""`/v1/workflows/{code}/diagram`, `…/diff`: workflows drawn, and versions of them compared."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import conflict
from rule_engine.api.versions import Wanted
from rule_engine.api.workflows import CodePath, WorkflowReading
from rule_engine.domain.authoring.diff import Kind
from rule_engine.domain.authoring.workflow_diagram import mermaid
from rule_engine.domain.authoring.workflow_diff import workflow_changes
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_svg import TooLargeToDrawError, svg


class BlockChangeView(BaseModel):
    """One difference: of the workflow, or of a block, or of one field of it; `what` says it in words."""

    model_config = ConfigDict(from_attributes=True)

    kind: Kind
    block: str | None
    field: str | None
    before: Any
    after: Any
    what: str


class WorkflowDiffView(BaseModel):
    """What is different in version `to`, seen from `from`."""

    from_: Annotated[int, Field(serialization_alias="from")]
    to: int
    changes: list[BlockChangeView]


SVG = "image/svg+xml"
NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def _drawn(document: WorkflowDocument) -> str:
    try:
        return svg(document)
    except TooLargeToDrawError as error:
        raise conflict(str(error)) from error


def router(reading: WorkflowReading) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/workflows", tags=["workflows"])

    @routes.get("/{code}/diagram", response_class=PlainTextResponse)
    async def get_workflow_diagram(
        code: CodePath,
        version: Annotated[Wanted | None, Query()] = None,
        format: Annotated[Literal["mermaid", "svg"] | None, Query(description="by default as `Accept` has it")] = None,
        accept: Annotated[str, Header()] = "",
        caller: Caller = require(Role.VIEWER),
    ) -> PlainTextResponse:
        """The workflow as a Mermaid flow chart, or as an SVG drawing."""
        found = await reading.one(caller.tenant, code, version)
        if format == "svg" or (format is None and SVG in accept):
            return PlainTextResponse(_drawn(found.document), media_type=SVG, headers=NO_SCRIPTS)
        return PlainTextResponse(mermaid(found.document), media_type="text/vnd.mermaid")

    @routes.get("/{code}/diff")
    async def get_workflow_diff(
        code: CodePath,
        from_: Annotated[Wanted, Query(alias="from")] = "newest",
        to: Annotated[Wanted, Query()] = "draft",
        caller: Caller = require(Role.VIEWER),
    ) -> WorkflowDiffView:
        """What differs between two versions, by default what publishing the draft would change."""
        before, after = await reading.two(caller.tenant, code, from_, to)
        found = [BlockChangeView.model_validate(one) for one in workflow_changes(before.document, after.document)]
        return WorkflowDiffView(from_=before.version, to=after.version, changes=found)

    return routes
