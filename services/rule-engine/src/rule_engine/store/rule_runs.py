"""Rules of runs, as people and lists read them: a copy of each rule's progress in its run's state."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from rule_engine.domain.execution.state import RuleProgress
from rule_engine.store.runs import Run

_COLUMNS = """tenant_id, run_id, rule_id, item_id, rule_set, version, stage, position, name, title, type, state,
    due_at, reason, attempt, command_id, changed_at"""


class RuleRuns:
    """Statements on `rule_runs`."""

    async def save(
        self, tx: Connection, changed: Iterable[tuple[Run, Mapping[str, RuleProgress]]], now: datetime
    ) -> None:
        """Stores the progress of rules by id."""
        rows = [
            {
                "tenant_id": run.tenant,
                "run_id": run.id,
                "rule_id": rule.rule_id,
                "item_id": run.item_id,
                "rule_set": run.rule_set,
                "version": run.version,
                "stage": run.stage,
                "position": position,
                "name": rule.name,
                "title": rule.title,
                "type": rule.type,
                "state": progress[rule.rule_id].state,
                "due_at": progress[rule.rule_id].due_at,
                "reason": progress[rule.rule_id].reason,
                "attempt": progress[rule.rule_id].attempt,
                "command_id": progress[rule.rule_id].command_id,
                "changed_at": progress[rule.rule_id].changed_at or now,
            }
            for run, progress in changed
            for position, rule in enumerate(run.program.rules())
            if rule.rule_id in progress
        ]
        await tx.execute(
            f"""INSERT INTO rule_runs ({_COLUMNS})
               SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::rule_runs, $1)
               ON CONFLICT (tenant_id, run_id, rule_id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,
                   reason = excluded.reason, attempt = excluded.attempt, command_id = excluded.command_id,
                   changed_at = excluded.changed_at""",  # noqa: S608
            rows,
        )

    async def page(  # noqa: PLR0913 - the filters of a list
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

    async def of_item(self, tx: Connection, tenant: UUID, item: UUID) -> list[asyncpg.Record]:
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

    async def of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> list[asyncpg.Record]:
        return await tx.fetch(
            "SELECT * FROM rule_runs WHERE tenant_id = $1 AND run_id = $2 ORDER BY position", tenant, run_id
        )
