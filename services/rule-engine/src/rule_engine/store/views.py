"""What people read: runs, the rules of an item's stages, decisions. One query per question."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection


class Views:
    """Reads only."""

    async def entries_of_item(self, tx: Connection, tenant: UUID, item: UUID) -> list[asyncpg.Record]:
        """All entries of an item, the first one first."""
        return await tx.fetch(
            """SELECT id, entry_seq, kind, pipeline, stage, entered_at, left_at, left_reason, note, rule_set,
                   version, origin
               FROM entries WHERE tenant_id = $1 AND item_id = $2 ORDER BY entry_seq""",
            tenant,
            item,
        )

    async def rules_of_item(self, tx: Connection, tenant: UUID, item: UUID) -> list[asyncpg.Record]:
        """The rules of all runs of an item with the entry they belong to and their last decision's leaves."""
        return await tx.fetch(
            """SELECT q.*, r.entry_id, r.chain, d.leaves, d.at AS decided_at
               FROM rule_runs q
               JOIN runs r ON r.tenant_id = q.tenant_id AND r.id = q.run_id
               LEFT JOIN LATERAL (
                   SELECT leaves, at FROM decisions d
                   WHERE d.tenant_id = q.tenant_id AND d.item_id = q.item_id AND d.run_id = q.run_id
                     AND d.rule_id = q.rule_id ORDER BY at DESC LIMIT 1) d ON true
               WHERE q.tenant_id = $1 AND q.item_id = $2 ORDER BY r.created_at, r.chain, q.position""",
            tenant,
            item,
        )

    async def rule_runs(  # noqa: PLR0913 - the filters of a list
        self,
        tx: Connection,
        tenant: UUID,
        *,
        item: UUID | None,
        state: str | None,
        before: tuple[datetime, UUID, str] | None,
        limit: int,
    ) -> list[asyncpg.Record]:
        """Rules in the order of their last change, the newest first."""
        at, run_id, rule_id = before or (None, None, None)
        return await tx.fetch(
            """SELECT * FROM rule_runs
               WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2) AND ($3::text IS NULL OR state = $3)
                 AND ($4::timestamptz IS NULL OR (changed_at, run_id, rule_id) < ($4, $5, $6))
               ORDER BY changed_at DESC, run_id DESC, rule_id DESC LIMIT $7""",
            tenant,
            item,
            state,
            at,
            run_id,
            rule_id,
            limit,
        )

    async def rules_of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> list[asyncpg.Record]:
        return await tx.fetch(
            "SELECT * FROM rule_runs WHERE tenant_id = $1 AND run_id = $2 ORDER BY position", tenant, run_id
        )

    async def run(self, tx: Connection, tenant: UUID, run_id: UUID) -> asyncpg.Record | None:
        return await tx.fetchrow(
            """SELECT r.*, e.entry_seq, e.entered_at, e.pipeline, e.correlation, e.traceparent, w.wake_at
               FROM runs r JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id
               LEFT JOIN timers w ON w.run_id = r.id WHERE r.tenant_id = $1 AND r.id = $2""",
            tenant,
            run_id,
        )

    async def decisions_of_run(self, tx: Connection, tenant: UUID, run_id: UUID, item: UUID) -> list[asyncpg.Record]:
        return await tx.fetch(
            """SELECT rule_id, rule, at, state, reason, seen, leaves, command_id FROM decisions
               WHERE tenant_id = $1 AND item_id = $3 AND run_id = $2 ORDER BY at, id""",
            tenant,
            run_id,
            item,
        )

    async def audit_of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> Sequence[asyncpg.Record]:
        return await tx.fetch(
            "SELECT at, subject, action, rule_id FROM audit WHERE tenant_id = $1 AND run_id = $2 ORDER BY at",
            tenant,
            run_id,
        )
