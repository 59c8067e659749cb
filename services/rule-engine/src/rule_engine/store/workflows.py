"""Workflows and their versions."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.canaries import Share
from rule_engine.domain.execution.permissions import Permissions
from rule_engine.domain.execution.program import Program
from rule_engine.store.versions import Key, VersionContent, Versioned, Versions, dump

Content = VersionContent[WorkflowDocument, Program]

KEPT = 1_000
"""Documents in memory."""


@dataclass(frozen=True, slots=True)
class Workflow(Versioned):
    """A workflow without its versions."""

    kind: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The newest published version of a workflow that is not archived."""

    code: str
    version: int
    document: WorkflowDocument
    canary: "InForce | None" = None
    canary_share: int | None = None
    """Of a canary: how many percent of the items run on it."""

    def of(self, tenant: UUID, item: UUID) -> "InForce":
        """What is started on an item now."""
        if self.canary is None or self.canary.canary_share is None:
            return self
        share = Share(self.canary.version, self.canary.canary_share)
        return self.canary if share.takes(tenant, self.code, item) else self


class Workflows(Versions[WorkflowDocument, Program, Workflow]):
    """Statements on `workflows` and `workflow_versions`."""

    table, owner, versioned = "workflow", "kind", Workflow

    def __init__(self) -> None:
        self._documents: OrderedDict[tuple[UUID, str, int], WorkflowDocument] = OrderedDict()

    def document(self, row: asyncpg.Record) -> WorkflowDocument:
        return WorkflowDocument.model_validate(row["document"])

    def programs_in(self, row: asyncpg.Record) -> Program | None:
        return None if row["programs"] is None else Program.model_validate(row["programs"])

    def dumped(self, programs: Program) -> Any:
        return dump(programs)

    async def in_force(self, tx: Connection, key: Key) -> InForce | None:
        """What a start by hand starts; null when there is none, or it is archived."""
        return next(iter((await self._in_force(tx, [key[0]], code=key[1])).get(key[0], ())), None)

    async def autorunning(self, tx: Connection, tenants: Collection[UUID]) -> Mapping[UUID, list[InForce]]:
        """Those that start by themselves, by tenant and code."""
        return await self._in_force(tx, list(tenants), code=None)

    async def published(self, tx: Connection, tenant: UUID) -> list[str]:
        """The codes of those that can be started."""
        rows = await tx.fetch(
            """SELECT code FROM workflows s WHERE tenant_id = $1 AND NOT archived AND EXISTS (
                   SELECT FROM workflow_versions v
                   WHERE v.tenant_id = s.tenant_id AND v.code = s.code AND v.status = 'published')
               ORDER BY code""",
            tenant,
        )
        return [row["code"] for row in rows]

    async def permissions(self, tx: Connection, tenant: UUID, code: str | None = None) -> dict[str, Permissions]:
        """By code: those of newest published versions, archived or not; of one, or of all."""
        rows = await tx.fetch(
            """SELECT DISTINCT ON (code) code, programs->'permissions' FROM workflow_versions
               WHERE tenant_id = $1 AND status = 'published' AND ($2::text IS NULL OR code = $2)
               ORDER BY code, version DESC""",
            tenant,
            code,
        )
        return {code: Permissions.model_validate(written or {}) for code, written in rows}

    async def _in_force(self, tx: Connection, tenants: list[UUID], code: str | None) -> Mapping[UUID, list[InForce]]:
        """The planner asks with every batch: documents, which never change, are read once."""
        rows = await tx.fetch(
            """SELECT newest.tenant_id, newest.code, newest.version, tried.version, c.share FROM (
                   SELECT DISTINCT ON (v.tenant_id, v.code) v.tenant_id, v.code, v.version, v.autorun
                   FROM workflow_versions v JOIN workflows s USING (tenant_id, code)
                   WHERE v.tenant_id = ANY ($1) AND v.status = 'published' AND NOT s.archived
                       AND ($2::text IS NULL OR v.code = $2)
                   ORDER BY v.tenant_id, v.code, v.version DESC) newest
               LEFT JOIN canaries c ON c.tenant_id = newest.tenant_id AND c.code = newest.code AND c.workflow
                   AND c.state = 'on'
               LEFT JOIN workflow_versions tried ON tried.tenant_id = c.tenant_id AND tried.code = c.code
                   AND tried.version = c.version
               WHERE $2 IS NOT NULL OR newest.autorun OR tried.autorun ORDER BY newest.code""",
            tenants,
            code,
        )
        found: dict[UUID, list[InForce]] = {}
        for tenant, workflow, version, tried, share in rows:
            document = await self._document_of(tx, tenant, workflow, version)
            canary = tried and InForce(
                workflow, tried, await self._document_of(tx, tenant, workflow, tried), canary_share=share
            )
            found.setdefault(tenant, []).append(InForce(workflow, version, document, canary))
        return found

    async def _document_of(self, tx: Connection, tenant: UUID, code: str, version: int) -> WorkflowDocument:
        key = (tenant, code, version)
        if key not in self._documents:
            read = await self.version(tx, (tenant, code), version)
            assert read is not None  # noqa: S101 - it was found a moment ago, in this transaction
            self._documents[key] = read[1].document
            if len(self._documents) > KEPT:
                self._documents.popitem(last=False)
        self._documents.move_to_end(key)
        return self._documents[key]
