"""Rule sets and their versions. A published version never changes; at most one draft lies beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.errors import TakenError
from rule_engine.domain.execution.canaries import Share
from rule_engine.domain.execution.explanations import PublishedRule
from rule_engine.domain.execution.program import Program
from rule_engine.store.versions import Key, VersionContent, Versioned, Versions, dump


@dataclass(frozen=True, slots=True)
class RuleSet(Versioned):
    """A rule set without its versions."""

    pipeline: str


@dataclass(frozen=True, slots=True)
class ForEntries:
    """What items that enter run on: the newest published version, and for a share of them the one that is tried."""

    code: str
    version: int
    canary: Share | None = None


Content = VersionContent[RuleSetDocument, Mapping[str, Sequence[Program]]]


class RuleSets(Versions[RuleSetDocument, Mapping[str, Sequence[Program]], RuleSet]):
    """Statements on `rule_sets` and `rule_set_versions`."""

    table, owner, versioned = "rule_set", "pipeline", RuleSet

    def document(self, row: asyncpg.Record) -> RuleSetDocument:
        return _document(row)

    def programs_in(self, row: asyncpg.Record) -> Mapping[str, Sequence[Program]] | None:
        return _programs(row)

    def dumped(self, programs: Mapping[str, Sequence[Program]]) -> Any:
        return {stage: [dump(program) for program in chains] for stage, chains in programs.items()}

    async def keep(self, tx: Connection, key: Key, document: RuleSetDocument, archived: bool, now: datetime) -> str:
        """Raises `TakenError` when the pipeline has another rule set that is not archived."""
        try:
            return await super().keep(tx, key, document, archived, now)
        except asyncpg.UniqueViolationError as error:
            raise TakenError(f"pipeline {document.pipeline!r} has another rule set: archive that one first") from error

    async def in_force(self, tx: Connection, tenant: UUID) -> list[tuple[str, RuleSetDocument]]:
        """The newest published document of every rule set that is not archived, and those that are tried, by code."""
        rows = await tx.fetch(
            """SELECT DISTINCT ON (v.code, v.status) v.code, v.document FROM rule_set_versions v
               JOIN rule_sets s ON s.tenant_id = v.tenant_id AND s.code = v.code AND NOT s.archived
               WHERE v.tenant_id = $1 AND v.status IN ('published', 'canary')
               ORDER BY v.code, v.status, v.version DESC""",
            tenant,
        )
        return [(row["code"], _document(row)) for row in rows]

    async def others(self, tx: Connection, key: Key) -> dict[tuple[str, int], RuleSetDocument]:
        """Documents of the tenant's other rule sets that are not archived, by code and version: of each the newest
        published one, and the one that is tried.
        """
        rows = await tx.fetch(
            """SELECT DISTINCT ON (v.code, v.status) v.code, v.version, v.document
               FROM rule_set_versions v JOIN rule_sets s USING (tenant_id, code)
               WHERE v.tenant_id = $1 AND v.code <> $2 AND v.status IN ('published', 'canary') AND NOT s.archived
               ORDER BY v.code, v.status, v.version DESC""",
            *key,
        )
        return {(row["code"], row["version"]): _document(row) for row in rows}

    async def published_rules(
        self, tx: Connection, tenant: UUID, rule: str
    ) -> list[tuple[str, str, str, PublishedRule]]:
        """Rules with that id or name in published versions: (rule set, pipeline, id, rule)."""
        rows = await tx.fetch(
            """SELECT v.code, s.pipeline, g.key AS stage, one->>'id' AS id,
                   (array_agg(one->>'name' ORDER BY v.version DESC))[1] AS name,
                   array_agg(v.version ORDER BY v.version) AS versions, min(v.published_at) AS published_at
               FROM rule_set_versions v JOIN rule_sets s USING (tenant_id, code),
                   jsonb_each(v.document->'stages') g, jsonb_array_elements(g.value->'rules') one
               WHERE v.tenant_id = $1 AND v.status = 'published' AND (one->>'id' = $2 OR one->>'name' = $2)
               GROUP BY v.code, s.pipeline, g.key, one->>'id' ORDER BY v.code, g.key""",
            tenant,
            rule,
        )
        return [
            (
                row["code"],
                row["pipeline"],
                row["id"],
                PublishedRule(row["name"], row["stage"], row["versions"], row["published_at"]),
            )
            for row in rows
        ]

    async def lock_publishing(self, tx: Connection, tenant: UUID) -> None:
        """Keeps others from publishing rule sets of the tenant until the transaction ends."""
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('publishing ' || $1, 0))", str(tenant))

    async def newest_published(
        self, tx: Connection, pipelines: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], tuple[str, int]]:
        """Code and newest published version of the rule set of each (tenant, pipeline) that has one."""
        pairs = list(pipelines)
        rows = await tx.fetch(
            """SELECT s.tenant_id, s.pipeline, s.code, max(v.version) AS version
               FROM rule_sets s JOIN rule_set_versions v USING (tenant_id, code)
               WHERE NOT s.archived AND v.status = 'published'
                   AND (s.tenant_id, s.pipeline) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
               GROUP BY s.tenant_id, s.pipeline, s.code""",
            [tenant for tenant, _ in pairs],
            [pipeline for _, pipeline in pairs],
        )
        return {(row["tenant_id"], row["pipeline"]): (row["code"], row["version"]) for row in rows}

    async def for_entries(
        self, tx: Connection, pipelines: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], ForEntries]:
        """What items run on that enter these pipelines (tenant, code) now; one question, with or without canaries."""
        pairs = list(pipelines)
        rows = await tx.fetch(
            """SELECT s.tenant_id, s.pipeline, s.code, c.version AS canary, c.share,
                   (SELECT max(v.version) FROM rule_set_versions v
                    WHERE v.tenant_id = s.tenant_id AND v.code = s.code AND v.status = 'published') AS version
               FROM rule_sets s LEFT JOIN canaries c
                   ON c.tenant_id = s.tenant_id AND c.code = s.code AND NOT c.workflow AND c.state = 'on'
               WHERE NOT s.archived AND (s.tenant_id, s.pipeline) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))""",
            [tenant for tenant, _ in pairs],
            [pipeline for _, pipeline in pairs],
        )
        return {(row["tenant_id"], row["pipeline"]): _for_entries(row) for row in rows if row["version"]}

    async def programs(self, tx: Connection, tenant: UUID, code: str, version: int) -> dict[str, Sequence[Program]]:
        """The programs of a published version by stage; raises `LookupError` when there is no such version."""
        found = await self.version(tx, (tenant, code), version)
        if found is None or found[1].programs is None:
            raise LookupError(f"rule set {code!r} has no published version {version}")
        return dict(found[1].programs)


def _document(row: asyncpg.Record) -> RuleSetDocument:
    return RuleSetDocument.model_validate(row["document"])


def _programs(row: asyncpg.Record) -> dict[str, Sequence[Program]] | None:
    stages = row["programs"]
    if stages is None:
        return None
    return {stage: [Program.model_validate(program) for program in chains] for stage, chains in stages.items()}


def _for_entries(row: asyncpg.Record) -> ForEntries:
    canary = Share(row["canary"], row["share"]) if row["canary"] else None
    return ForEntries(row["code"], row["version"], canary)
