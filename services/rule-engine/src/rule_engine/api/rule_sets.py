"""`/v1/rule-sets`: rule sets with their drafts and versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import model_validator

from contracts.inputs import keepable
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from contracts.values import Code
from rule_engine.api.problems import RuleSetRoute
from rule_engine.api.version_reading import FullView, Reading, Summary
from rule_engine.api.versions import (
    VersionView,
    Wanted,
    refusals_as_problems,
)
from rule_engine.application.rule_sets import Authoring
from rule_engine.domain.authoring.document import RuleSetDocument

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


class RuleSetSummary(Summary):
    """A rule set in a list."""

    pipeline: str


class RuleSetView(RuleSetSummary, FullView):
    """One version of a rule set."""

    document: RuleSetDocument


class RuleSetReading(Reading[RuleSetSummary, RuleSetView]):
    """Answers made of stored rule sets."""

    summary, full = RuleSetSummary, RuleSetView


def router(authoring: Authoring, reading: RuleSetReading) -> APIRouter:
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
