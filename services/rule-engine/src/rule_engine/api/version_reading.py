"""Answers made of stored rule sets, or of stored workflows: one version, two of them, pages."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paging, found
from rule_engine.api.versions import MAX_VERSION, IssueView, VersionView, Wanted, issue_view, number_of
from rule_engine.application.rule_set_checks import Findings
from rule_engine.store.versions import Versioned, Versions

NO_FINDINGS = Findings()


class Summary(BaseModel):
    """One in a list; `newest` is its newest published version, `draft` that of its draft."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    archived: bool
    newest: int | None
    draft: int | None


class FullView(Summary, VersionView):
    """One version with its document, and what was found when it was saved or published just now.

    `issues` keep a draft from being published; `warnings`, looked for when there are none, are probable mistakes.
    """

    issues: list[IssueView] = []
    warnings: list[IssueView] = []


class Reading[S: Summary, F: FullView]:
    """Reads, and shows as `summary` and `full`."""

    summary: type[S]
    full: type[F]

    def __init__(self, database: Database, store: Versions[Any, Any, Any]) -> None:
        self._database = database
        self._store = store

    async def one(self, tenant: UUID, code: str, wanted: Wanted | None, findings: Findings = NO_FINDINGS) -> F:
        """One version with its document, or 404."""
        noun = self._store.noun
        async with self._database.transaction(tenant) as tx:
            row: Versioned = found(await self._store.read(tx, (tenant, code)), f"{noun} {code!r}")
            number = number_of(row.newest, row.draft, wanted)
            stored = await self._store.version(tx, (tenant, code), number) if number else None
        version, content = found(stored, f"version {wanted or 'newest'!r} of {noun} {code!r}")
        parts = self.summary.model_validate(row).model_dump() | VersionView.model_validate(version).model_dump()
        return self.full(
            **parts,
            document=content.document,
            issues=[issue_view(one) for one in findings.issues],
            warnings=[issue_view(one) for one in findings.warnings],
        )

    async def two(self, tenant: UUID, code: str, first: Wanted, second: Wanted) -> tuple[F, F]:
        """Two versions to be compared."""
        return await self.one(tenant, code, first), await self.one(tenant, code, second)

    async def page(self, tenant: UUID, paging: Paging) -> Page[S]:
        """All by code."""
        async with self._database.transaction(tenant) as tx:
            rows = await self._store.page(tx, tenant, paging.code, paging.rows)
        return paging.page(rows, lambda one: (one.code,), self.summary.model_validate)

    async def versions(self, tenant: UUID, code: str, paging: Paging) -> Page[VersionView]:
        """All versions, newest first."""
        (before,) = paging.after(tuple[int]) or (MAX_VERSION,)
        async with self._database.transaction(tenant) as tx:
            found(await self._store.read(tx, (tenant, code)), f"{self._store.noun} {code!r}")
            versions = await self._store.versions(tx, (tenant, code), min(before, MAX_VERSION), paging.rows)
        return paging.page(versions, lambda one: (one.version,), VersionView.model_validate)
