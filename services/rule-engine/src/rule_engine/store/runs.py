"""Runs, the progress of their rules, decisions, and the commands under way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from prometheus_client import Counter

from contracts.envelope import Cause, Record, parse_causepath
from contracts.kit.broker import OutageError
from contracts.kit.database import Connection
from contracts.kit.telemetry import trace_id
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.program import FORMAT, Program
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import Decision

NEWER_FORMATS = Counter("run_states_newer_total", "States met that a newer release wrote, and left alone")


class NewerFormatError(OutageError):
    """A newer release wrote this state: run and message are left to its workers."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as stored, without its program."""

    tenant: UUID
    id: UUID
    item_id: UUID
    entry_id: UUID
    rule_set: str
    version: int
    stage: str
    chain: int
    state: State
    rev: int
    finished: bool
    entry: Entry
    correlation: str
    causepath: tuple[Cause, ...]
    root: str
    """The id of the message that the chain of causes began with."""
    traceparent: str | None
    """Where the entry was planned."""
    updated_at: datetime
    last_traceparent: str | None
    """Where the last step was recorded."""

    def with_program(self, program: Program) -> "Run":
        return Run(program=program, **{name: getattr(self, name) for name in RunRow.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunRow):
    """A run with the program it follows."""

    program: Program


_SELECT = """SELECT r.*, e.entry_seq, e.entered_at, e.snapshot, e.correlation, e.causepath, e.root, e.traceparent
             FROM runs r JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id """


_RULE_COLUMNS = """tenant_id, run_id, rule_id, item_id, rule_set, version, stage, position, name, title, type, state,
    due_at, reason, attempt, command_id, changed_at"""


class Runs:
    """`runs`, `rule_runs`, `decisions`, `sent_commands`."""

    async def get(self, tx: Connection, tenant: UUID, run_id: UUID, *, lock: bool = False) -> RunRow | None:
        row = await tx.fetchrow(
            _SELECT + "WHERE r.tenant_id = $1 AND r.id = $2" + (" FOR UPDATE OF r" if lock else ""), tenant, run_id
        )
        return _run(row) if row else None

    async def lock_open_of_items(self, tx: Connection, items: Sequence[tuple[UUID, UUID]]) -> list[RunRow]:
        """The unfinished runs of items, locked in id order."""
        rows = await tx.fetch(
            _SELECT
            + """JOIN unnest($1::uuid[], $2::uuid[]) AS k (t, i) ON r.tenant_id = k.t AND r.item_id = k.i
                 WHERE NOT r.finished ORDER BY r.id FOR UPDATE OF r""",
            [item[0] for item in items],
            [item[1] for item in items],
        )
        return [_run(row) for row in rows]

    async def lock_by_commands(self, tx: Connection, commands: Sequence[tuple[UUID, UUID]]) -> dict[UUID, RunRow]:
        """The runs that wait for commands (tenant, id), by command id; locked in id order."""
        waiting = await tx.fetch(
            """SELECT s.id, s.run_id FROM sent_commands s JOIN unnest($1::uuid[], $2::uuid[]) AS k (t, c)
               ON s.tenant_id = k.t AND s.id = k.c""",
            [command[0] for command in commands],
            [command[1] for command in commands],
        )
        ids = list({row["run_id"] for row in waiting})
        rows = await tx.fetch(_SELECT + "WHERE r.id = ANY ($1) ORDER BY r.id FOR UPDATE OF r", ids) if ids else []
        runs = {row["id"]: _run(row) for row in rows}
        return {row["id"]: runs[row["run_id"]] for row in waiting}

    async def of_entries(self, tx: Connection, tenant: UUID, entries: Sequence[UUID]) -> list[RunRow]:
        """All runs of entries."""
        rows = await tx.fetch(_SELECT + "WHERE r.tenant_id = $1 AND r.entry_id = ANY ($2)", tenant, entries)
        return [_run(row) for row in rows]

    async def count_open(self, tx: Connection, tenant: UUID) -> int:
        count: int = await tx.fetchval("SELECT count(*) FROM runs WHERE tenant_id = $1 AND NOT finished", tenant)
        return count

    async def add(self, tx: Connection, runs: Sequence[Run], now: datetime) -> None:
        """Records new runs with their rules."""
        await self.insert(tx, runs, now)
        await self.save_rules(tx, [(run, run.state.rules) for run in runs], now)

    async def insert(self, tx: Connection, runs: Sequence[Run], now: datetime) -> None:
        """Records new runs alone."""
        await tx.execute(
            """INSERT INTO runs (tenant_id, id, item_id, entry_id, rule_set, version, stage, chain, state, finished,
                   created_at, updated_at, last_traceparent, trace_ids)
               SELECT tenant_id, id, item_id, entry_id, rule_set, version, stage, chain, state, finished, $2, $2,
                   last_traceparent, trace_ids
               FROM jsonb_populate_recordset(NULL::runs, $1) ON CONFLICT DO NOTHING""",
            [
                {
                    "tenant_id": run.tenant,
                    "id": run.id,
                    "item_id": run.item_id,
                    "entry_id": run.entry_id,
                    "rule_set": run.rule_set,
                    "version": run.version,
                    "stage": run.stage,
                    "chain": run.chain,
                    "state": dump(run.state),
                    "finished": run.state.finished,
                    "last_traceparent": run.last_traceparent,
                    "trace_ids": list(filter(None, (trace_id(run.last_traceparent),))),
                }
                for run in runs
            ],
            now,
        )

    async def save(self, tx: Connection, run: Run, state: State, now: datetime, traceparent: str | None) -> None:
        """Stores the next state of a run that the caller has locked; raises its `rev`."""
        await tx.execute(
            """UPDATE runs SET state = $3, finished = $4, rev = rev + 1, updated_at = $5, last_traceparent = $6,
                   trace_ids = CASE WHEN coalesce($7 = ANY (trace_ids), true) THEN trace_ids
                                    ELSE array_append(trace_ids, $7) END
               WHERE tenant_id = $1 AND id = $2""",
            run.tenant,
            run.id,
            dump(state),
            state.finished,
            now,
            traceparent or run.last_traceparent,
            trace_id(traceparent or run.last_traceparent),
        )

    async def save_rules(self, tx: Connection, changed: Iterable[tuple[Run, Mapping[str, Any]]], now: datetime) -> None:
        """Stores the progress of rules by id, for people and lists to read."""
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
            f"""INSERT INTO rule_runs ({_RULE_COLUMNS})
               SELECT {_RULE_COLUMNS} FROM jsonb_populate_recordset(NULL::rule_runs, $1)
               ON CONFLICT (tenant_id, run_id, rule_id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,
                   reason = excluded.reason, attempt = excluded.attempt, command_id = excluded.command_id,
                   changed_at = excluded.changed_at""",  # noqa: S608
            rows,
        )

    async def add_decisions(
        self, tx: Connection, run: Run, decisions: Sequence[Decision], now: datetime, new_id: Callable[[], UUID]
    ) -> None:
        await tx.executemany(
            """INSERT INTO decisions (tenant_id, id, item_id, run_id, rule_id, rule, rule_set, version, stage, at,
                   state, reason, seen, leaves, command_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)""",
            [
                (
                    run.tenant,
                    new_id(),
                    run.item_id,
                    run.id,
                    decision.rule.rule_id,
                    decision.rule.name,
                    run.rule_set,
                    run.version,
                    run.stage,
                    now,
                    decision.state,
                    decision.reason,
                    dict(decision.seen),
                    [
                        {"path": v.path, "op": v.op, "expected": v.expected, "seen": v.seen, "holds": v.holds}
                        for v in decision.leaves
                    ],
                    decision.command_id,
                )
                for decision in decisions
            ],
        )

    async def add_command(
        self, tx: Connection, run: Run, rule_id: str, sent: "SentCommand", now: datetime, ask_again_at: datetime
    ) -> None:
        """Keeps a command's bytes until its final result."""
        await tx.execute(
            """INSERT INTO sent_commands (tenant_id, id, run_id, rule_id, topic, key, value, headers, sent_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            run.tenant,
            sent.id,
            run.id,
            rule_id,
            sent.topic,
            sent.record.key.decode(),
            sent.record.value,
            [(name, raw.decode()) for name, raw in sent.record.headers],
            now,
        )
        await tx.execute(
            "INSERT INTO command_deadlines (command_id, tenant_id, ask_again_at) VALUES ($1, $2, $3)",
            sent.id,
            run.tenant,
            ask_again_at,
        )

    async def command(self, tx: Connection, tenant: UUID, command_id: UUID) -> "SentCommand | None":
        row = await tx.fetchrow("SELECT * FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        if row is None:
            return None
        headers = tuple((name, text.encode()) for name, text in row["headers"])
        return SentCommand(row["id"], row["topic"], Record(row["key"].encode(), row["value"], headers))

    async def drop_command(self, tx: Connection, tenant: UUID, command_id: UUID) -> None:
        """Forgets a command whose final result is here."""
        await tx.execute("DELETE FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        await tx.execute("DELETE FROM command_deadlines WHERE command_id = $1", command_id)

    async def add_audit(  # noqa: PLR0913 - the columns of one row
        self, tx: Connection, run: Run, *, id: UUID, at: datetime, subject: str, action: str, rule_id: str | None
    ) -> None:
        """Records what an operator did."""
        await tx.execute(
            """INSERT INTO audit (tenant_id, id, at, subject, action, run_id, rule_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            run.tenant,
            id,
            at,
            subject,
            action,
            run.id,
            rule_id,
        )


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command as it was sent."""

    id: UUID
    topic: str
    record: Record


def dump(state: State) -> Any:
    return state.model_dump(mode="json")


def _state(stored: Mapping[str, Any]) -> State:
    """Raises `NewerFormatError` for a state that a newer release wrote."""
    if stored.get("format", FORMAT) > FORMAT:
        NEWER_FORMATS.inc()
        raise NewerFormatError(f"the run's state has the format {stored['format']}, this worker reads {FORMAT}")
    return State.model_validate(stored)


def _run(row: asyncpg.Record) -> RunRow:
    snapshot = ItemSnapshot.model_validate(row["snapshot"])
    return RunRow(
        tenant=row["tenant_id"],
        id=row["id"],
        item_id=row["item_id"],
        entry_id=row["entry_id"],
        rule_set=row["rule_set"],
        version=row["version"],
        stage=row["stage"],
        chain=row["chain"],
        state=_state(row["state"]),
        rev=row["rev"],
        finished=row["finished"],
        entry=Entry(row["item_id"], row["entry_seq"], row["entered_at"], snapshot),
        correlation=row["correlation"],
        causepath=parse_causepath(row["causepath"]),
        root=row["root"],
        traceparent=row["traceparent"],
        updated_at=row["updated_at"],
        last_traceparent=row["last_traceparent"] or row["traceparent"],
    )
