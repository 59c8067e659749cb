"""Runs and their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

import asyncpg
from prometheus_client import Counter

from contracts.kit.broker import OutageError
from contracts.kit.database import Connection
from contracts.kit.telemetry import trace_id
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import STATE_FORMAT, Entry, State, read_state
from rule_engine.domain.execution.workflows import awaited
from rule_engine.store.entries import StoredEntry, stored_entry

NEWER_FORMATS = Counter("run_states_newer_total", "States met that a newer release wrote, and left alone")


class NewerFormatError(OutageError):
    """A newer release wrote this state: run and message are left to its workers."""

    told: ClassVar[str] = "a newer release of this service wrote what was asked for: its replicas can read it"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as stored, without its program."""

    id: UUID
    origin: StoredEntry
    rule_set: str
    version: int
    stage: str
    chain: int
    workflow: bool
    """Whether `rule_set` is the code of a workflow."""
    finished: bool
    stored_state: Mapping[str, Any]
    rev: int
    updated_at: datetime
    last_traceparent: str | None
    """Where the last step was recorded."""
    concurrency_key: str | None = None
    """Of a workflow: no other run with this key goes on at the same time."""

    @property
    def tenant(self) -> UUID:
        return self.origin.tenant

    @property
    def entry(self) -> Entry:
        return self.origin.entry

    @property
    def item_id(self) -> UUID:
        return self.origin.entry.item_id

    @property
    def traceparent(self) -> str | None:
        """Where the entry was planned."""
        return self.origin.traceparent

    def with_program(self, program: Program) -> "Run":
        state = read_state(dict(self.stored_state), program, self.entry.entered_at)
        return Run(program=program, state=state, **{name: getattr(self, name) for name in RunRow.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunRow):
    """A run with the program it follows, and its state in it."""

    program: Program
    state: State

    def after(self, state: State) -> Self:
        """The run once this state is stored."""
        return replace(self, state=state, finished=state.finished, rev=self.rev + 1)


def new_run(  # noqa: PLR0913 - what a run has
    planned: OpenRun,
    origin: StoredEntry,
    version: tuple[str, int],
    traceparent: str | None,
    at: datetime,
    concurrency_key: str | None = None,
) -> Run:
    """A run that was just planned, of a version (rule set, number); `traceparent` is where it was planned."""
    return Run(
        id=planned.id,
        origin=origin,
        rule_set=version[0],
        version=version[1],
        stage=planned.program.stage,
        chain=planned.program.chain,
        workflow=planned.program.workflow is not None,
        finished=planned.state.finished,
        stored_state={},
        rev=0,
        updated_at=at,
        last_traceparent=traceparent,
        concurrency_key=concurrency_key,
        program=planned.program,
        state=planned.state,
    )


_SELECT = """SELECT r.*, e.entry_seq, e.entered_at, e.snapshot, e.correlation, e.causepath, e.root, e.traceparent
             FROM runs r JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id """

_QUEUED = """EXISTS (SELECT FROM keyed_runs own JOIN keyed_runs other USING (tenant_id, workflow, key)
    WHERE own.tenant_id = r.tenant_id AND own.run_id = r.id AND other.number < own.number) AS queued"""


class Runs:
    """Statements on `runs`."""

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

    async def open_of_item(self, tx: Connection, tenant: UUID, item: UUID, limit: int) -> list[RunRow]:
        """The unfinished runs of an item, the oldest first."""
        rows = await tx.fetch(
            _SELECT
            + """WHERE r.tenant_id = $1 AND r.item_id = $2 AND NOT r.finished
                         ORDER BY r.created_at, r.id LIMIT $3""",
            tenant,
            item,
            limit,
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
        """Records new runs."""
        await tx.execute(
            """INSERT INTO runs (tenant_id, id, item_id, entry_id, rule_set, version, stage, chain, workflow, state,
                   outcome, reason, concurrency_key, finished, created_at, updated_at, last_traceparent, trace_ids)
               SELECT tenant_id, id, item_id, entry_id, rule_set, version, stage, chain, workflow, state,
                   outcome, reason, concurrency_key, finished, $2, $2, last_traceparent, trace_ids
               FROM jsonb_populate_recordset(NULL::runs, $1) ON CONFLICT DO NOTHING""",
            [
                {
                    "tenant_id": run.tenant,
                    "id": run.id,
                    "item_id": run.item_id,
                    "entry_id": run.origin.id,
                    "rule_set": run.rule_set,
                    "version": run.version,
                    "stage": run.stage,
                    "chain": run.chain,
                    "workflow": run.workflow,
                    "state": run.state.stored(),
                    "outcome": run.state.outcome,
                    "reason": run.state.reason,
                    "concurrency_key": run.concurrency_key,
                    "finished": run.state.finished,
                    "last_traceparent": run.last_traceparent,
                    "trace_ids": list(filter(None, (trace_id(run.last_traceparent),))),
                }
                for run in runs
            ],
            now,
        )

    async def details(self, tx: Connection, tenant: UUID, run_id: UUID) -> asyncpg.Record | None:
        """A run with its entry and its timer, as people read it."""
        return await tx.fetchrow(
            f"""SELECT r.*, e.entry_seq, e.entered_at, e.pipeline, e.correlation, e.traceparent, e.started_by,
                    e.canary_share, w.wake_at, {_QUEUED}
                FROM runs r JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id
                LEFT JOIN timers w ON w.run_id = r.id WHERE r.tenant_id = $1 AND r.id = $2""",  # noqa: S608 - a constant
            tenant,
            run_id,
        )

    async def of_workflow(
        self, tx: Connection, key: tuple[UUID, str], item: UUID | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[asyncpg.Record]:
        """Runs of a workflow (tenant, code), maybe of one item alone, the last started first."""
        at, id = before or (None, None)
        return await tx.fetch(
            f"""SELECT r.*, e.started_by, {_QUEUED} FROM runs r
                JOIN entries e ON e.tenant_id = r.tenant_id AND e.id = r.entry_id
                WHERE r.tenant_id = $1 AND r.rule_set = $2 AND r.workflow AND ($3::uuid IS NULL OR r.item_id = $3)
                    AND ($4::timestamptz IS NULL OR (r.created_at, r.id) < ($4, $5))
                ORDER BY r.created_at DESC, r.id DESC LIMIT $6""",  # noqa: S608 - a constant
            *key,
            item,
            at,
            id,
            limit,
        )

    async def save(self, tx: Connection, run: Run, state: State, now: datetime, traceparent: str | None) -> None:
        """Stores the next state of a run that the caller has locked; raises its `rev`."""
        await tx.execute(
            """UPDATE runs SET state = $3, finished = $4, rev = rev + 1, updated_at = $5, last_traceparent = $6,
                   outcome = $8, status = $9, awaits = $10, reason = $11,
                   trace_ids = CASE WHEN $7::text IS NULL OR $7 = ANY (trace_ids) THEN trace_ids
                                    ELSE array_append(trace_ids, $7) END
               WHERE tenant_id = $1 AND id = $2""",
            run.tenant,
            run.id,
            state.stored(),
            state.finished,
            now,
            traceparent or run.last_traceparent,
            trace_id(traceparent or run.last_traceparent),
            state.outcome,
            state.status,
            sorted(awaited(state)),
            state.reason,
        )

    async def lock(self, tx: Connection, tenant: UUID, runs: Sequence[UUID]) -> None:
        """Locks runs in id order, as everybody does who locks several."""
        await tx.execute("SELECT FROM runs WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE", tenant, runs)

    async def follow(self, tx: Connection, run: Run) -> None:
        """The run, which the caller has locked, goes on in the version and chain that it names."""
        await tx.execute(
            "UPDATE runs SET version = $3, chain = $4 WHERE tenant_id = $1 AND id = $2",
            run.tenant,
            run.id,
            run.version,
            run.chain,
        )


def met_newer() -> None:
    """Counts what a newer release has written."""
    NEWER_FORMATS.inc()


def _readable(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises `NewerFormatError` for a state that a newer release wrote."""
    if stored.get("format", 1) > STATE_FORMAT:
        met_newer()
        raise NewerFormatError(f"the run's state has the format {stored['format']}, this worker reads {STATE_FORMAT}")
    return stored


def _run(row: asyncpg.Record) -> RunRow:
    return RunRow(
        id=row["id"],
        origin=stored_entry(row, row["entry_id"]),
        rule_set=row["rule_set"],
        version=row["version"],
        stage=row["stage"],
        chain=row["chain"],
        workflow=row["workflow"],
        finished=row["finished"],
        stored_state=_readable(row["state"]),
        rev=row["rev"],
        updated_at=row["updated_at"],
        last_traceparent=row["last_traceparent"] or row["traceparent"],
        concurrency_key=row["concurrency_key"],
    )
