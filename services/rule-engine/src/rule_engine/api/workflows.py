"""`/v1/workflows`: workflows with their drafts and versions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, model_validator

from contracts.inputs import keepable
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged, Paging, found
from contracts.values import Code, ItemKind
from rule_engine.api.versions import (
    MAX_VERSION,
    IssueView,
    RollBack,
    VersionView,
    Wanted,
    issue_view,
    number_of,
    refusals_as_problems,
)
from rule_engine.application.rule_set_checks import Findings
from rule_engine.application.workflows import WorkflowAuthoring
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.store.workflows import Workflows

CodePath = Annotated[Code, Path(description="the author-given code of the workflow")]
NO_FINDINGS = Findings()


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


class WorkflowSummary(BaseModel):
    """A workflow in a list; `newest` is its newest published version, `draft` that of its draft."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    kind: ItemKind
    name: str
    archived: bool
    newest: int | None
    draft: int | None


class WorkflowView(WorkflowSummary, VersionView):
    """One version of a workflow, and what was found when it was saved or published just now.

    `issues` keep a draft from being published; `warnings`, looked for when there are none, are probable mistakes.
    """

    document: WorkflowDocument
    issues: list[IssueView] = []
    warnings: list[IssueView] = []


class Reading:
    """Answers made of stored workflows."""

    def __init__(self, database: Database, workflows: Workflows) -> None:
        self._database = database
        self._workflows = workflows

    async def one(
        self, tenant: UUID, code: str, wanted: Wanted | None, findings: Findings = NO_FINDINGS
    ) -> WorkflowView:
        async with self._database.transaction(tenant) as tx:
            workflow = found(await self._workflows.read(tx, (tenant, code)), f"workflow {code!r}")
            number = number_of(workflow.newest, workflow.draft, wanted)
            stored = await self._workflows.version(tx, (tenant, code), number) if number else None
        version, content = found(stored, f"version {wanted or 'newest'!r} of workflow {code!r}")
        parts = WorkflowSummary.model_validate(workflow).model_dump() | VersionView.model_validate(version).model_dump()
        return WorkflowView(
            **parts,
            document=content.document,
            issues=[issue_view(one) for one in findings.issues],
            warnings=[issue_view(one) for one in findings.warnings],
        )

    async def two(self, tenant: UUID, code: str, first: Wanted, second: Wanted) -> list[WorkflowView]:
        """Two versions to be compared."""
        return [await self.one(tenant, code, wanted) for wanted in (first, second)]

    async def page(self, tenant: UUID, paging: Paging) -> Page[WorkflowSummary]:
        async with self._database.transaction(tenant) as tx:
            workflows = await self._workflows.page(tx, tenant, paging.code, paging.rows)
        return paging.page(workflows, lambda one: (one.code,), WorkflowSummary.model_validate)

    async def versions(self, tenant: UUID, code: str, paging: Paging) -> Page[VersionView]:
        (before,) = paging.after(tuple[int]) or (MAX_VERSION,)
        async with self._database.transaction(tenant) as tx:
            found(await self._workflows.read(tx, (tenant, code)), f"workflow {code!r}")
            versions = await self._workflows.versions(tx, (tenant, code), min(before, MAX_VERSION), paging.rows)
        return paging.page(versions, lambda one: (one.version,), VersionView.model_validate)


def router(authoring: WorkflowAuthoring, reading: Reading) -> APIRouter:
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
