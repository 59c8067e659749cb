"""`/v1/workflows`: workflows with their drafts and versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import model_validator

from contracts.inputs import keepable
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.values import Code, ItemKind
from rule_engine.api.version_reading import FullView, Reading, Summary
from rule_engine.api.versions import (
    RollBack,
    VersionView,
    Wanted,
    refusals_as_problems,
)
from rule_engine.application.workflows import WorkflowAuthoring
from rule_engine.domain.authoring.workflow_document import WorkflowDocument

CodePath = Annotated[Code, Path(description="the author-given code of the workflow")]


class WorkflowInput(WorkflowDocument):
    """A workflow to save as the draft, and to publish if asked to."""

    publish: bool = False
    archived: bool = False

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, raw: Any) -> Any:
        return keepable(raw)

    def document(self) -> WorkflowDocument:
        return WorkflowDocument(**{name: getattr(self, name) for name in WorkflowDocument.model_fields})


class WorkflowSummary(Summary):
    """A workflow in a list."""

    kind: ItemKind


class WorkflowView(WorkflowSummary, FullView):
    """One version of a workflow."""

    document: WorkflowDocument


class WorkflowReading(Reading[WorkflowSummary, WorkflowView]):
    """Answers made of stored workflows."""

    summary, full = WorkflowSummary, WorkflowView


def router(authoring: WorkflowAuthoring, reading: WorkflowReading) -> APIRouter:
    """`/v1/workflows`."""
    routes = APIRouter(prefix="/v1/workflows", tags=["workflows"])

    @routes.put("/{code}")
    async def put_workflow(code: CodePath, body: WorkflowInput, caller: Caller = require(Role.AUTHOR)) -> WorkflowView:
        """Saves the draft. With `publish` it is checked and published, or nothing changes."""
        async with refusals_as_problems(f"workflow {code!r}"):
            findings = await authoring.put(caller, code, body.document(), archived=body.archived, publish=body.publish)
        return await reading.one(caller.tenant, code, None, findings)

    @routes.post("/{code}/publish")
    async def publish_workflow(code: CodePath, caller: Caller = require(Role.AUTHOR)) -> WorkflowView:
        """Publishes the draft. Without one, the newest version is checked and compiled anew."""
        async with refusals_as_problems(f"workflow {code!r}"):
            findings = await authoring.publish(caller, code)
        return await reading.one(caller.tenant, code, "newest", findings)

    @routes.post("/{code}/rollback")
    async def roll_back_workflow(code: CodePath, body: RollBack, caller: Caller = require(Role.AUTHOR)) -> WorkflowView:
        """Publishes an earlier version as a new one."""
        async with refusals_as_problems(f"workflow {code!r}"):
            findings = await authoring.roll_back(caller, code, body.version)
        return await reading.one(caller.tenant, code, "newest", findings)

    @routes.get("/{code}")
    async def get_workflow(
        code: CodePath, version: Annotated[Wanted | None, Query()] = None, caller: Caller = require(Role.VIEWER)
    ) -> WorkflowView:
        """One version: a number, `draft`, or `newest` (published); by default the draft, else the newest."""
        return await reading.one(caller.tenant, code, version)

    @routes.get("")
    async def list_workflows(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[WorkflowSummary]:
        """All workflows by code, archived ones too."""
        return await reading.page(caller.tenant, paging)

    @routes.get("/{code}/versions")
    async def list_workflow_versions(
        code: CodePath, paging: Paged, caller: Caller = require(Role.VIEWER)
    ) -> Page[VersionView]:
        """All versions, newest first."""
        return await reading.versions(caller.tenant, code, paging)

    return routes
