"""Decisions, and what the rules of an item were at a moment; old ones are deleted."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from rule_engine.domain.execution.step import BlockDecision, Decision, Step
from rule_engine.domain.replay.recorded import Recorded
from rule_engine.store.runs import Run
from rule_engine.store.versions import Key

type Position = tuple[datetime, UUID, int, int]
"""Of a rule in the list of an item's rules: when its run was planned, the run, its place in it, the execution."""


OF_ITEM = """
    SELECT p.*, coalesce(h.state, p.state_now) AS state,
        CASE WHEN h.run_id IS NULL THEN p.due_now ELSE h.due_at END AS due_at,
        CASE WHEN h.run_id IS NULL THEN p.reason_now ELSE h.reason END AS reason,
        coalesce(h.attempt, p.attempt_now) AS attempt, coalesce(h.version, p.version_now) AS version,
        coalesce(h.since, p.changed_at) AS since,
        d.at AS decided_at, d.state AS decided, d.seen, d.leaves, d.command_id, o.subject AS operator
    FROM (
        SELECT q.tenant_id, q.item_id, q.run_id, q.step, q.rule_id, q.name, q.title, q.type, q.rule_set,
            q.version AS version_now, q.stage, q.position, q.state AS state_now, q.due_at AS due_now,
            q.reason AS reason_now, q.attempt AS attempt_now, q.changed_at, r.created_at AS planned_at,
            e.pipeline, e.entry_seq, e.entered_at, CASE WHEN e.left_at <= $4 THEN e.left_at END AS left_at
        FROM rule_runs q
        JOIN runs r ON r.tenant_id = q.tenant_id AND r.id = q.run_id
        JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id
        WHERE q.tenant_id = $1 AND q.item_id = $2 AND NOT q.block
            AND coalesce(q.started_at, r.created_at) <= $4
            AND ($3::text IS NULL OR q.rule_id = $3 OR q.name = $3) AND NOT (q.workflow AND q.rule_set = ANY ($10))
            AND ($5::timestamptz IS NULL OR (r.created_at, q.run_id, q.position, q.step) < ($5, $6, $7, $8))
        ORDER BY r.created_at DESC, q.run_id DESC, q.position DESC, q.step DESC LIMIT $9) p
    LEFT JOIN LATERAL (
        SELECT * FROM rule_run_history h
        WHERE h.tenant_id = p.tenant_id AND h.item_id = p.item_id AND h.run_id = p.run_id AND h.step = p.step
            AND h.until > $4 ORDER BY h.until LIMIT 1) h ON true
    LEFT JOIN LATERAL (
        SELECT * FROM decisions d
        WHERE d.tenant_id = p.tenant_id AND d.item_id = p.item_id AND d.run_id = p.run_id AND d.step = p.step
            AND d.at <= $4 ORDER BY d.at DESC LIMIT 1) d ON true
    LEFT JOIN LATERAL (
        SELECT subject FROM operator_actions a
        WHERE a.tenant_id = p.tenant_id AND a.run_id = p.run_id AND a.at = coalesce(h.since, p.changed_at)
            AND (a.rule_id = p.rule_id OR a.rule_id IS NULL) LIMIT 1) o ON true
    ORDER BY p.planned_at DESC, p.run_id DESC, p.position DESC, p.step DESC"""
"""Tenant, item, rule (id, name or null), moment, position before (four, or null), limit, workflows left out."""


RECORDED = """
    SELECT d.item_id, d.run_id, d.step, d.block, d.rule_id, d.rule, d.version, d.stage, d.at, d.state, d.choice,
        d.reason, d.seen, d.command_id IS NOT NULL AS sent,
        CASE WHEN r.state->>'due_on_entry' = d.rule_id THEN e.snapshot END AS snapshot
    FROM decisions d
    JOIN runs r ON r.tenant_id = d.tenant_id AND r.id = d.run_id
    JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id
    WHERE d.tenant_id = $1 AND d.rule_set = $2 AND r.workflow = $3 AND d.at >= $4 AND d.at < $5
    ORDER BY d.at DESC, d.id DESC LIMIT $6"""
"""Tenant, code, whether it is a workflow, since, until, limit."""


class Span(NamedTuple):
    """From when until when."""

    since: datetime
    until: datetime


MAX_OF_RUN = 1_000
"""Of one run; as many as of its journal's rows."""


class Decisions:
    """`decisions` and `rule_run_history`, read beside what there is now."""

    async def add(self, tx: Connection, run: Run, step: Step, now: datetime, new_id: Callable[[], UUID]) -> None:
        """Those that a step has made."""
        made = [_block_row(run, one) for one in step.block_decisions] + [_row(run, one) for one in step.decisions]
        await insert(tx, "decisions", *({"id": new_id(), "at": now, **row} for row in made))

    async def of_run(self, tx: Connection, tenant: UUID, run_id: UUID, item: UUID) -> list[asyncpg.Record]:
        return await tx.fetch(
            """SELECT step, block, rule_id, rule, at, state, choice, reason, seen, leaves, command_id FROM decisions
               WHERE tenant_id = $1 AND item_id = $3 AND run_id = $2 ORDER BY at, id LIMIT $4""",
            tenant,
            run_id,
            item,
            MAX_OF_RUN,
        )

    async def of_item(  # noqa: PLR0913 - the filters of a list
        self,
        tx: Connection,
        tenant: UUID,
        item: UUID,
        *,
        rule: str | None,
        at: datetime,
        hidden: Sequence[str],
        before: Position | None,
        limit: int,
    ) -> list[asyncpg.Record]:
        """The rules planned for an item until `at`, as they were then, the latest entry first.

        `rule` is a rule's id or name. The state is the one that was overwritten first after `at`, else that of now.
        """
        created, run_id, position, step = before or (None, None, None, None)
        return await tx.fetch(
            OF_ITEM,
            tenant,
            item,
            rule,
            at,
            created,
            run_id,
            position,
            step,
            limit,
            hidden,
        )

    async def recorded(self, tx: Connection, key: Key, span: Span, limit: int, *, workflow: bool) -> list[Recorded]:
        """Decisions of all versions of a rule set or workflow in a span of time, the newest first.

        Read day by day, since decisions are found by their age: old ones cost nothing where the newest are enough.
        """
        found, until = list[Recorded](), span.until
        while until > span.since and len(found) < limit:
            since = max(span.since, until - timedelta(days=1))
            rows = await tx.fetch(RECORDED, *key, workflow, since, until, limit - len(found))
            found += [Recorded(**dict(row)) for row in rows]
            until = since
        return found

    async def forget(self, tx: Connection, before: datetime, limit: int) -> int:
        """Deletes decisions, history and what became of migrated runs, all older than `before`, of all tenants, at most
        `limit` of each; says how many.
        """
        gone = 0
        for table, column in (("decisions", "at"), ("rule_run_history", "until"), ("migrated_runs", "at")):
            done = await tx.execute(
                f"""DELETE FROM {table} WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM {table} WHERE {column} < $1 LIMIT $2))""",  # noqa: S608 - constants
                before,
                limit,
            )
            gone += int(done.split()[-1])
        return gone


def _row(run: Run, decision: Decision) -> dict[str, Any]:
    return _of_run(run, decision) | {
        "block": False,
        "rule_id": decision.rule.rule_id,
        "rule": decision.rule.name,
        "state": decision.state,
        "choice": None,
        "command_id": decision.command_id,
    }


def _block_row(run: Run, decision: BlockDecision) -> dict[str, Any]:
    block = run.program.container(decision.path)
    return _of_run(run, decision) | {
        "block": True,
        "rule_id": block.id,
        "rule": block.name,
        "state": "done" if decision.choice is not None else "failed",
        "choice": decision.choice,
        "command_id": None,
    }


def _of_run(run: Run, decision: Decision | BlockDecision) -> dict[str, Any]:
    return {
        "tenant_id": run.tenant,
        "item_id": run.item_id,
        "run_id": run.id,
        "step": decision.step,
        "rule_set": run.rule_set,
        "version": run.version,
        "stage": run.stage,
        "reason": decision.reason,
        "seen": dict(decision.seen),
        "leaves": [
            {"path": v.path, "op": v.op, "expected": v.expected, "seen": v.seen, "holds": v.holds}
            for v in decision.leaves
        ],
    }


def position_of(row: asyncpg.Record) -> Position:
    return row["planned_at"], row["run_id"], row["position"], row["step"]


def rule_ids(rows: Sequence[asyncpg.Record]) -> set[str]:
    return {row["rule_id"] for row in rows}
