"""`/v1/rule-sets`: rule sets with their drafts and versions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, model_validator

from contracts.inputs import keepable
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection, Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged, Paging, found
from contracts.values import Code
from rule_engine.api.problems import RuleSetRoute
from rule_engine.api.versions import (
    MAX_VERSION,
    IssueView,
    VersionView,
    Wanted,
    issue_view,
    number_of,
    refusals_as_problems,
)
from rule_engine.application.rule_set_checks import Findings
from rule_engine.application.rule_sets import Authoring
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.store.rule_sets import Content, RuleSet, RuleSets
from rule_engine.store.versions import Version

CodePath = Annotated[Code, Path(description="the author-given code of the rule set")]


class RuleSetInput(RuleSetDocument):
    """A rule set to save as the draft, and to publish if asked to."""

    publish: bool = False
    archived: bool = False

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, raw: Any) -> Any:
        return keepable(raw)

    def document(self) -> RuleSetDocument:
        return RuleSetDocument(pipeline=self.pipeline, name=self.name, stages=self.stages)


class RuleSetSummary(BaseModel):
    """A rule set in a list; `newest` is its newest published version, `draft` that of its draft."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    pipeline: str
    name: str
    archived: bool
    newest: int | None
    draft: int | None


class RuleSetView(RuleSetSummary, VersionView):
    """One version of a rule set, and what was found when it was saved or published just now.

    `issues` keep a draft from being published; `warnings`, looked for when there are none, are probable mistakes.
    """

    document: RuleSetDocument
    issues: list[IssueView] = []
    warnings: list[IssueView] = []


NO_FINDINGS = Findings()


class Reading:
    """Answers made of stored rule sets."""

    def __init__(self, database: Database, rule_sets: RuleSets) -> None:
        self._database = database
        self._rule_sets = rule_sets

    async def one(
        self, tenant: UUID, code: str, wanted: Wanted | None, findings: Findings = NO_FINDINGS
    ) -> RuleSetView:
        async with self._database.transaction(tenant) as tx:
            rule_set = await self._known(tx, tenant, code)
            version, content = await self._version(tx, tenant, rule_set, wanted)
        parts = RuleSetSummary.model_validate(rule_set).model_dump() | VersionView.model_validate(version).model_dump()
        return RuleSetView(
            **parts,
            document=content.document,
            issues=[issue_view(one) for one in findings.issues],
            warnings=[issue_view(one) for one in findings.warnings],
        )

    async def two(self, tenant: UUID, code: str, first: Wanted, second: Wanted) -> list[tuple[Version, Content]]:
        """Two versions to be compared."""
        async with self._database.transaction(tenant) as tx:
            rule_set = await self._known(tx, tenant, code)
            return [await self._version(tx, tenant, rule_set, wanted) for wanted in (first, second)]

    async def _version(
        self, tx: Connection, tenant: UUID, rule_set: RuleSet, wanted: Wanted | None
    ) -> tuple[Version, Content]:
        number = number_of(rule_set.newest, rule_set.draft, wanted)
        version = await self._rule_sets.version(tx, (tenant, rule_set.code), number) if number else None
        return found(version, f"version {wanted or 'newest'!r} of rule set {rule_set.code!r}")

    async def page(self, tenant: UUID, paging: Paging) -> Page[RuleSetSummary]:
        async with self._database.transaction(tenant) as tx:
            rule_sets = await self._rule_sets.page(tx, tenant, paging.code, paging.rows)
        return paging.page(rule_sets, lambda one: (one.code,), RuleSetSummary.model_validate)

    async def versions(self, tenant: UUID, code: str, paging: Paging) -> Page[VersionView]:
        (before,) = paging.after(tuple[int]) or (MAX_VERSION,)
        async with self._database.transaction(tenant) as tx:
            await self._known(tx, tenant, code)
            versions = await self._rule_sets.versions(tx, (tenant, code), min(before, MAX_VERSION), paging.rows)
        return paging.page(versions, lambda one: (one.version,), VersionView.model_validate)

    async def _known(self, tx: Connection, tenant: UUID, code: str) -> RuleSet:
        return found(await self._rule_sets.read(tx, (tenant, code)), f"rule set {code!r}")


def router(authoring: Authoring, reading: Reading) -> APIRouter:
    """`/v1/rule-sets`."""
    routes = APIRouter(prefix="/v1/rule-sets", tags=["rule sets"], route_class=RuleSetRoute)

    @routes.put("/{code}")
    async def put_rule_set(code: CodePath, body: RuleSetInput, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Saves the draft. With `publish` it is checked and published, or nothing changes."""
        async with refusals_as_problems(f"rule set {code!r}"):
            findings = await authoring.put(caller, code, body.document(), archived=body.archived, publish=body.publish)
        return await reading.one(caller.tenant, code, None, findings)

    @routes.post("/{code}/publish")
    async def publish(code: CodePath, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Publishes the draft. Without one, the newest version is checked and compiled anew."""
        async with refusals_as_problems(f"rule set {code!r}"):
            findings = await authoring.publish(caller, code)
        return await reading.one(caller.tenant, code, "newest", findings)

    @routes.get("/{code}")
    async def get_rule_set(
        code: CodePath,
        version: Annotated[Wanted | None, Query()] = None,
        caller: Caller = require(Role.VIEWER),
    ) -> RuleSetView:
        """One version: a number, `draft`, or `newest` (published); by default the draft, else the newest."""
        return await reading.one(caller.tenant, code, version)

    @routes.get("")
    async def list_rule_sets(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[RuleSetSummary]:
        """All rule sets by code, archived ones too."""
        return await reading.page(caller.tenant, paging)

    @routes.get("/{code}/versions")
    async def list_versions(code: CodePath, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[VersionView]:
        """All versions, newest first."""
        return await reading.versions(caller.tenant, code, paging)

    return routes
