"""`/v1/rule-sets`: rule sets with their drafts and versions."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, model_validator

from contracts.inputs import keepable
from contracts.kit.auth import Caller, Role, require
from contracts.kit.broker import OutageError
from contracts.kit.database import Connection, Database
from contracts.kit.http import Cursor, Limit, Page, Problem, bad_input, conflict, decode_cursor, not_found
from contracts.values import Code
from rule_engine.api.problems import RuleSetRoute
from rule_engine.application.authoring import Author, Authoring, Findings, InvalidRuleSetError, NothingToPublishError
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.editing import NotThereError
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.errors import TakenError
from rule_engine.store.rule_sets import Content, RuleSet, RuleSets, Version

CodePath = Annotated[Code, Path(description="the author-given code of the rule set")]
Wanted = Literal["draft", "newest"] | int
"""A version by its number, the draft, or the newest published one."""


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


class IssueView(BaseModel):
    """One thing wrong: where, in which rule, and what."""

    where: str
    rule: str | None
    what: str


class VersionView(BaseModel):
    """One version without its document."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    status: Literal["draft", "published"]
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None


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

    `issues` keep a draft from being published; `warnings`, looked for when there are none, are what is hardly meant.
    """

    document: RuleSetDocument
    issues: list[IssueView] = []
    warnings: list[IssueView] = []


NO_FINDINGS = Findings()


def router(authoring: Authoring, reading: "Reading") -> APIRouter:
    """`/v1/rule-sets`."""
    routes = APIRouter(tags=["rule sets"], route_class=RuleSetRoute)

    @routes.put("/v1/rule-sets/{code}")
    async def put(code: CodePath, body: RuleSetInput, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Saves the draft. With `publish` it is checked and published, or nothing changes."""
        author = Author(caller.tenant, caller.subject)
        async with answering(code):
            found = await authoring.put(author, code, body.document(), archived=body.archived, publish=body.publish)
        return await reading.one(caller.tenant, code, None, found)

    @routes.post("/v1/rule-sets/{code}/publish")
    async def publish(code: CodePath, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Publishes the draft. Without one, the newest version is checked and compiled anew."""
        async with answering(code):
            found = await authoring.publish(Author(caller.tenant, caller.subject), code)
        return await reading.one(caller.tenant, code, "newest", found)

    @routes.get("/v1/rule-sets/{code}")
    async def read(
        code: CodePath,
        version: Annotated[Wanted | None, Query()] = None,
        caller: Caller = require(Role.VIEWER),
    ) -> RuleSetView:
        """One version: a number, `draft`, or `newest` (published); by default the draft, else the newest."""
        return await reading.one(caller.tenant, code, version)

    @routes.get("/v1/rule-sets")
    async def page(
        cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[RuleSetSummary]:
        """All rule sets by code, archived ones too."""
        return await reading.page(caller.tenant, cursor, limit)

    @routes.get("/v1/rule-sets/{code}/versions")
    async def versions(
        code: CodePath, cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[VersionView]:
        """All versions, newest first."""
        return await reading.versions(caller.tenant, code, cursor, limit)

    return routes


@asynccontextmanager
async def answering(code: str) -> AsyncGenerator[None]:
    """What authoring refuses, as problems."""
    try:
        yield
    except InvalidRuleSetError as error:
        detail = f"rule set {code!r} cannot be published; nothing was changed"
        raise Problem(
            422, "Invalid input", detail, errors=[_issue(one).model_dump() for one in error.issues]
        ) from error
    except TakenError as error:
        raise conflict(str(error)) from error
    except NothingToPublishError as error:
        raise not_found(str(error)) from error
    except NotThereError as error:
        raise bad_input("nothing was changed", (error.where, str(error))) from error
    except OutageError as error:
        detail = "entity-service, which knows pipelines, fields and employees, is away"
        raise Problem(503, "Unavailable", detail, headers={"Retry-After": "2"}) from error


def _issue(issue: RuleIssue) -> IssueView:
    return IssueView(where=issue.where, rule=issue.rule, what=issue.what)


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
            issues=[_issue(one) for one in findings.issues],
            warnings=[_issue(one) for one in findings.warnings],
        )

    async def two(self, tenant: UUID, code: str, first: Wanted, second: Wanted) -> list[tuple[Version, Content]]:
        """Two versions to be compared."""
        async with self._database.transaction(tenant) as tx:
            rule_set = await self._known(tx, tenant, code)
            return [await self._version(tx, tenant, rule_set, wanted) for wanted in (first, second)]

    async def _version(
        self, tx: Connection, tenant: UUID, rule_set: RuleSet, wanted: Wanted | None
    ) -> tuple[Version, Content]:
        number = _number(rule_set, wanted)
        found = await self._rule_sets.version(tx, (tenant, rule_set.code), number) if number else None
        if found is None:
            raise not_found(f"version {wanted or 'newest'!r} of rule set {rule_set.code!r}")
        return found

    async def page(self, tenant: UUID, cursor: str | None, limit: int) -> Page[RuleSetSummary]:
        (after,) = decode_cursor(cursor, tuple[str]) or ("",)
        async with self._database.transaction(tenant) as tx:
            found = await self._rule_sets.page(tx, tenant, after, limit + 1)
        return Page[RuleSetSummary].of(found, limit, key=lambda one: (one.code,), show=RuleSetSummary.model_validate)

    async def versions(self, tenant: UUID, code: str, cursor: str | None, limit: int) -> Page[VersionView]:
        (before,) = decode_cursor(cursor, tuple[int]) or (MAX_VERSION,)
        async with self._database.transaction(tenant) as tx:
            await self._known(tx, tenant, code)
            found = await self._rule_sets.versions(tx, (tenant, code), min(before, MAX_VERSION), limit + 1)
        return Page[VersionView].of(found, limit, key=lambda one: (one.version,), show=VersionView.model_validate)

    async def _known(self, tx: Connection, tenant: UUID, code: str) -> RuleSet:
        rule_set = await self._rule_sets.read(tx, (tenant, code))
        if rule_set is None:
            raise not_found(f"rule set {code!r}")
        return rule_set


MAX_VERSION = 2**31 - 1


def _number(rule_set: RuleSet, wanted: Wanted | None) -> int | None:
    match wanted:
        case "draft":
            return rule_set.draft
        case "newest":
            return rule_set.newest
        case None:
            return rule_set.draft or rule_set.newest
        case _:
            return wanted if 0 < wanted <= MAX_VERSION else None
