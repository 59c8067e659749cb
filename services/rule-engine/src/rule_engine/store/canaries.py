"""Canaries of rule sets and workflows: one at a time of each, and those that were."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert, update
from rule_engine.domain.execution.canaries import Counts, Thresholds

CanaryState = Literal["on", "promoted", "rolled_back"]
NEWEST = 50_000
"""Rules of each state that are counted: the last that ended."""


class Of(NamedTuple):
    """A rule set or workflow of a tenant."""

    tenant: UUID
    code: str
    workflow: bool


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that is, or was, tried by `share` percent of the items beside `base`, which the others run on."""

    tenant_id: UUID
    id: UUID
    code: str
    workflow: bool
    version: int
    base: int
    share: int
    failed: float | None
    refused: float | None
    after: int
    started_by: str
    started_at: datetime
    state: CanaryState = "on"
    ended_by: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    """Why it was rolled back."""

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.failed, self.refused, self.after)

    @property
    def of(self) -> Of:
        return Of(self.tenant_id, self.code, self.workflow)


class Canaries:
    """Statements on `canaries`."""

    async def add(self, tx: Connection, one: Canary) -> None:
        await insert(tx, "canaries", asdict(one))

    async def save(self, tx: Connection, one: Canary) -> None:
        await update(tx, "canaries", asdict(one), key=("tenant_id", "id"))

    async def get(self, tx: Connection, tenant: UUID, id: UUID) -> Canary | None:
        row = await tx.fetchrow("SELECT * FROM canaries WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
        return _canary(row) if row else None

    async def on(self, tx: Connection, of: Of) -> Canary | None:
        """The one that is tried now, locked."""
        row = await tx.fetchrow(
            """SELECT * FROM canaries WHERE tenant_id = $1 AND code = $2 AND workflow = $3 AND state = 'on'
               FOR UPDATE""",
            *of,
        )
        return _canary(row) if row else None

    async def newest(self, tx: Connection, of: Of, limit: int) -> list[Canary]:
        rows = await tx.fetch(
            """SELECT * FROM canaries WHERE tenant_id = $1 AND code = $2 AND workflow = $3
               ORDER BY started_at DESC, id DESC LIMIT $4""",
            *of,
            limit,
        )
        return [_canary(row) for row in rows]

    async def counts(self, tx: Connection, one: Canary) -> dict[int, Counts]:
        """What the rules of both versions that were planned since it began have come to, by version."""
        rows = await tx.fetch(_COUNTS, one.tenant_id, one.code, one.workflow, [one.version, one.base], one.started_at)
        return {row["version"]: Counts(**{name: row[name] for name in Counts.__slots__}) for row in rows}


_COUNTS = f"""
    SELECT version, count(DISTINCT item_id) AS items,
        count(*) FILTER (WHERE state = 'done' AND command_id IS NOT NULL) AS effects,
        count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'skipped') AS skipped,
        count(*) FILTER (WHERE state = 'refused') AS refused, count(*) FILTER (WHERE state = 'failed') AS failed
    FROM unnest(ARRAY['done', 'skipped', 'refused', 'failed']) AS s (wanted)
    CROSS JOIN LATERAL (
        SELECT version, state, item_id, command_id FROM rule_runs
        WHERE tenant_id = $1 AND state = s.wanted AND changed_at >= $5 AND started_at >= $5
            AND rule_set = $2 AND workflow = $3 AND version = ANY ($4) AND NOT block
        ORDER BY changed_at DESC LIMIT {NEWEST}) ended
    GROUP BY version"""  # noqa: S608 - a constant
"""Tenant, code, whether it is a workflow, versions, since when. Rules by state and last change have an index."""


def _canary(row: asyncpg.Record) -> Canary:
    return Canary(**{name: row[name] for name in Canary.__slots__})
