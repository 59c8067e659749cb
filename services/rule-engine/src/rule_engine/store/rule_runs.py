"""Rules of runs, as people and lists read them: a copy of each rule's progress in its run's state."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from contracts.kit import telemetry
from contracts.kit.database import Connection
from rule_engine.domain.execution.program import Path, Program, RuleBlock
from rule_engine.domain.execution.state import ENDED, Execution
from rule_engine.domain.execution.step import BlockRecord
from rule_engine.domain.language.limits import quotable
from rule_engine.store.runs import Run, RunRow

_COLUMNS = """tenant_id, run_id, step, parent, iteration, rule_id, item_id, rule_set, workflow, block, version, stage,
    position, name, title, type, state, due_at, reason, attempt, command_id, outputs, started_at, changed_at,
    trace_id"""


class RuleRuns:
    """Statements on `rule_runs`."""

    async def save(self, tx: Connection, changed: Iterable[tuple[Run, Sequence[Execution]]], now: datetime) -> None:
        """Stores executions of rules as they are now."""
        await self._save(tx, [_row(run, one, now) for run, executions in changed for one in executions])

    async def save_blocks(self, tx: Connection, run: Run, blocks: Sequence[BlockRecord], now: datetime) -> None:
        """Stores blocks of a workflow as they are now."""
        if blocks:
            await self._save(tx, [_block_row(run, one, now) for one in blocks])

    async def _save(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        await tx.execute(
            f"""INSERT INTO rule_runs ({_COLUMNS})
               SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::rule_runs, $1)
               ON CONFLICT (tenant_id, run_id, step) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,
                   version = excluded.version, position = excluded.position, name = excluded.name,
                   title = excluded.title, type = excluded.type, reason = excluded.reason,
                   attempt = excluded.attempt, command_id = excluded.command_id,
                   outputs = excluded.outputs, changed_at = excluded.changed_at, trace_id = excluded.trace_id""",  # noqa: S608
            rows,
        )

    async def follow(self, tx: Connection, run: Run, places: Mapping[int, Path], now: datetime) -> None:
        """Rules and blocks, by step, that go on in the run's version as they are."""
        rows = [
            {"step": step, "changed_at": now, "version": run.version, **_shown(run.program, path)}
            for step, path in places.items()
        ]
        await tx.execute(
            """UPDATE rule_runs q SET version = k.version, position = k.position, name = k.name, title = k.title,
                   type = k.type, changed_at = k.changed_at
               FROM jsonb_populate_recordset(NULL::rule_runs, $3) k
               WHERE q.tenant_id = $1 AND q.run_id = $2 AND q.step = k.step""",
            run.tenant,
            run.id,
            rows,
        )

    async def begun(self, tx: Connection, row: RunRow) -> frozenset[str]:
        """The ids of rules and blocks that the entry has planned or begun, in whatever run of it; not of those that
        were cancelled before they acted.
        """
        rows = await tx.fetch(
            """SELECT DISTINCT q.rule_id FROM rule_runs q
               JOIN runs r ON r.tenant_id = q.tenant_id AND r.id = q.run_id
               WHERE r.tenant_id = $1 AND r.entry_id = $2 AND (q.state <> 'cancelled' OR q.command_id IS NOT NULL)""",
            row.tenant,
            row.origin.id,
        )
        return frozenset(row["rule_id"] for row in rows)

    async def ended(self, tx: Connection, tenant: UUID, entries: Sequence[UUID]) -> list[asyncpg.Record]:
        """Entry, rule, state and reason of rules of entries that have ended, in whatever version."""
        return await tx.fetch(
            """SELECT r.entry_id, q.rule_id, q.state, q.reason FROM rule_runs q
               JOIN runs r ON r.tenant_id = q.tenant_id AND r.id = q.run_id
               WHERE r.tenant_id = $1 AND r.entry_id = ANY ($2) AND q.state = ANY ($3)""",
            tenant,
            entries,
            list(ENDED),
        )

    async def page(  # noqa: PLR0913 - the filters of a list
        self,
        tx: Connection,
        tenant: UUID,
        *,
        item: UUID | None,
        state: str | None,
        hidden: Sequence[str],
        before: tuple[datetime, UUID, int] | None,
        limit: int,
    ) -> list[asyncpg.Record]:
        """Rules in the order of their last change, the newest first, without those of the workflows `hidden`."""
        at, run_id, step = before or (None, None, None)
        return await tx.fetch(
            """SELECT * FROM rule_runs
               WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2) AND ($3::text IS NULL OR state = $3)
                 AND ($4::timestamptz IS NULL OR (changed_at, run_id, step) < ($4, $5, $6))
                 AND NOT (workflow AND rule_set = ANY ($8))
               ORDER BY changed_at DESC, run_id DESC, step DESC LIMIT $7""",
            tenant,
            item,
            state,
            at,
            run_id,
            step,
            limit,
            hidden,
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
                     AND d.step = q.step ORDER BY at DESC LIMIT 1) d ON true
               WHERE q.tenant_id = $1 AND q.item_id = $2 AND NOT q.workflow
               ORDER BY r.created_at, r.chain, q.position, q.step""",
            tenant,
            item,
        )

    async def changed_at(self, tx: Connection, run: Run, steps: Sequence[int]) -> dict[int, datetime]:
        """When rules and blocks of a run last changed, by step."""
        rows = await tx.fetch(
            "SELECT step, changed_at FROM rule_runs WHERE tenant_id = $1 AND run_id = $2 AND step = ANY ($3)",
            run.tenant,
            run.id,
            steps,
        )
        return {row["step"]: row["changed_at"] for row in rows}

    async def of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> list[asyncpg.Record]:
        return await tx.fetch(
            "SELECT * FROM rule_runs WHERE tenant_id = $1 AND run_id = $2 ORDER BY step LIMIT 1000", tenant, run_id
        )


def _of_run(run: Run, step: int, parent: int | None, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": run.tenant,
        "run_id": run.id,
        "step": step,
        "parent": parent or 0,
        "item_id": run.item_id,
        "rule_set": run.rule_set,
        "workflow": run.workflow,
        "block": False,
        "version": run.version,
        "stage": run.stage,
        "iteration": 0,
        "attempt": 0,
        "started_at": now,
        "changed_at": now,
        "trace_id": telemetry.trace_id(telemetry.traceparent()) if run.workflow else None,
    }


def _shown(program: Program, path: Path) -> dict[str, Any]:
    """What a version says of the rule or block at a place."""
    block = program.at(path)
    if isinstance(block, RuleBlock):
        position, type = program.positions[path], block.type
    else:
        position, type = program.positions_of_blocks[path], block.block
    return {"position": position, "name": block.name, "title": block.title, "type": type}


def _block_row(run: Run, one: BlockRecord, now: datetime) -> dict[str, Any]:
    return _of_run(run, one.step, one.parent, now) | {
        "iteration": one.iteration,
        "block": True,
        "rule_id": run.program.container(one.path).id,
        **_shown(run.program, one.path),
        "state": one.state,
        "due_at": one.due_at,
        "reason": one.reason,
        "outputs": dict(one.outputs) or None,
    }


def _row(run: Run, one: Execution, now: datetime) -> dict[str, Any]:
    return _of_run(run, one.step, one.parent, now) | {
        "rule_id": one.rule_id,
        **_shown(run.program, one.path),
        "state": one.state,
        "due_at": one.due_at,
        "reason": one.reason,
        "attempt": one.attempt,
        "command_id": one.command_id,
        "outputs": quotable(one.outputs) or None,
        "changed_at": one.changed_at or now,
    }
