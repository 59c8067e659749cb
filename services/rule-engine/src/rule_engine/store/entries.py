"""Item heads and entries.

A batch is one statement with its rows as one JSON document: a statement per row took most of the planner's time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.envelope import Cause, format_causepath, parse_causepath
from contracts.kit.database import Connection
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.explanations import LastEntry
from rule_engine.domain.execution.planning import Head, PlannedEntry
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.replay.recorded import EnteredStage

_COLUMNS = """tenant_id, id, item_id, entry_seq, kind, pipeline, stage, entered_at, snapshot, origin, correlation,
    causepath, root, traceparent, rule_set, version, note, left_at, left_reason,
    workflow, started_by, canary_share"""

type ItemKey = tuple[UUID, UUID]
"""Tenant and item."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as its runs need it: what was entered, and the causes and the trace that it belongs to."""

    tenant: UUID
    id: UUID
    entry: Entry
    correlation: str
    causepath: tuple[Cause, ...]
    root: str
    """The id of the message that the chain of causes began with."""
    traceparent: str | None
    """Where the entry was planned."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start of a workflow: of which version, how (`create`, `change`, `hand`, `rule`), and by whom."""

    origin: StoredEntry
    workflow: str
    version: int
    how: str
    started_by: str
    canary_share: int | None = None
    """The share that a canary took when the item was among it."""


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as it was, and what kind of sender caused it."""

    entry: Entry
    origin: str


def stored_entry(row: asyncpg.Record, id: UUID) -> StoredEntry:
    """From a row with the columns of `entries`."""
    snapshot = ItemSnapshot.model_validate(row["snapshot"])
    return StoredEntry(
        tenant=row["tenant_id"],
        id=id,
        entry=Entry(row["item_id"], row["entry_seq"], row["entered_at"], snapshot),
        correlation=row["correlation"],
        causepath=parse_causepath(row["causepath"]),
        root=row["root"],
        traceparent=row["traceparent"],
    )


class Entries:
    """`item_heads` and `entries`."""

    async def lock_heads(self, tx: Connection, items: Iterable[ItemKey]) -> dict[ItemKey, Head]:
        """Locks the heads of items, in one order for all, and makes those that do not exist yet."""
        keys = sorted(set(items))
        arrays = [key[0] for key in keys], [key[1] for key in keys]
        await tx.execute(
            """INSERT INTO item_heads (tenant_id, item_id, last_entry_seq, last_version)
               SELECT t, i, 0, 0 FROM unnest($1::uuid[], $2::uuid[]) AS k (t, i) ORDER BY t, i
               ON CONFLICT DO NOTHING""",
            *arrays,
        )
        rows = await tx.fetch(
            """SELECT h.* FROM item_heads h JOIN unnest($1::uuid[], $2::uuid[]) AS k (t, i)
               ON h.tenant_id = k.t AND h.item_id = k.i ORDER BY h.tenant_id, h.item_id FOR UPDATE OF h""",
            *arrays,
        )
        return {
            (row["tenant_id"], row["item_id"]): Head(row["last_entry_seq"], row["last_version"], row["deleted"])
            for row in rows
        }

    async def save_heads(self, tx: Connection, heads: Mapping[ItemKey, Head]) -> None:
        await tx.execute(
            """UPDATE item_heads h
               SET last_entry_seq = k.last_entry_seq, last_version = k.last_version, deleted = k.deleted
               FROM jsonb_populate_recordset(NULL::item_heads, $1) k
               WHERE h.tenant_id = k.tenant_id AND h.item_id = k.item_id""",
            [
                {
                    "tenant_id": tenant,
                    "item_id": item,
                    "last_entry_seq": head.last_entry_seq,
                    "last_version": head.last_version,
                    "deleted": head.deleted,
                }
                for (tenant, item), head in heads.items()
            ],
        )

    async def known(self, tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the events that are an entry's cause already."""
        rows = await tx.fetch("SELECT id FROM entries WHERE id = ANY ($1)", ids)
        return {row["id"] for row in rows}

    async def present(self, tx: Connection, items: Mapping[ItemKey, int]) -> list[StoredEntry]:
        """The entries of items by their `entry_seq`."""
        rows = await tx.fetch(
            """SELECT e.* FROM entries e JOIN unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (t, i, n)
               ON e.tenant_id = k.t AND e.item_id = k.i AND e.entry_seq = k.n AND NOT e.workflow""",
            [key[0] for key in items],
            [key[1] for key in items],
            list(items.values()),
        )
        return [stored_entry(row, row["id"]) for row in rows]

    async def is_known(self, tx: Connection, tenant: UUID, item: UUID) -> bool:
        """Whether automation has heard of the item."""
        known = await tx.fetchval("SELECT true FROM item_heads WHERE tenant_id = $1 AND item_id = $2", tenant, item)
        return bool(known)

    async def of_item(self, tx: Connection, tenant: UUID, item: UUID) -> list[asyncpg.Record]:
        """All entries of an item, the first one first."""
        return await tx.fetch(
            """SELECT id, entry_seq, kind, pipeline, stage, entered_at, left_at, left_reason, note, rule_set,
                   version, origin, canary_share
               FROM entries WHERE tenant_id = $1 AND item_id = $2 AND NOT workflow ORDER BY entry_seq""",
            tenant,
            item,
        )

    async def last_into_stage(
        self, tx: Connection, item: tuple[UUID, UUID], place: tuple[str, str], at: datetime
    ) -> LastEntry | None:
        """The last entry of an item (tenant, id) into a stage until `at`."""
        row = await tx.fetchrow(
            """SELECT entered_at, left_at, note, rule_set, version FROM entries
               WHERE tenant_id = $1 AND item_id = $2 AND pipeline = $3 AND stage = $4 AND entered_at <= $5
                   AND NOT workflow
               ORDER BY entry_seq DESC LIMIT 1""",
            *item,
            *place,
            at,
        )
        return LastEntry(**dict(row)) if row else None

    async def recorded(
        self, tx: Connection, tenant: UUID, pipeline: str, span: tuple[datetime, datetime], items: int
    ) -> list[RecordedEntry]:
        """Entries into stages of a pipeline in a span of time, of the first so many items, in the order of time."""
        rows = await tx.fetch(
            """WITH first AS (
                   SELECT item_id FROM entries
                   WHERE tenant_id = $1 AND pipeline = $2 AND entered_at >= $3 AND entered_at < $4 AND NOT workflow
                   GROUP BY item_id ORDER BY min(entered_at), item_id LIMIT $5)
               SELECT e.item_id, e.entry_seq, e.entered_at, e.snapshot, e.origin FROM entries e
               JOIN first USING (item_id)
               WHERE e.tenant_id = $1 AND e.pipeline = $2 AND e.entered_at >= $3 AND e.entered_at < $4
                   AND NOT e.workflow
               ORDER BY e.entered_at, e.item_id, e.entry_seq""",
            tenant,
            pipeline,
            *span,
            items,
        )
        return [
            RecordedEntry(
                Entry(
                    row["item_id"],
                    row["entry_seq"],
                    row["entered_at"],
                    ItemSnapshot.model_validate(row["snapshot"]),
                ),
                row["origin"],
            )
            for row in rows
        ]

    async def into_stages(
        self, tx: Connection, key: tuple[UUID, str], span: tuple[datetime, datetime], limit: int
    ) -> list[EnteredStage]:
        """Entries that a rule set (tenant, code) has planned in a span of time, the newest first."""
        rows = await tx.fetch(
            """SELECT item_id, stage, entered_at AS at, snapshot FROM entries
               WHERE tenant_id = $1 AND rule_set = $2 AND NOT workflow AND entered_at >= $3 AND entered_at < $4
               ORDER BY entered_at DESC, id DESC LIMIT $5""",
            *key,
            *span,
            limit,
        )
        return [EnteredStage(**dict(row)) for row in rows]

    async def is_left(self, tx: Connection, tenant: UUID, id: UUID) -> bool:
        """Whether the item has left the stage that it entered then, or was deleted."""
        left = await tx.fetchval("SELECT left_at IS NOT NULL FROM entries WHERE tenant_id = $1 AND id = $2", tenant, id)
        return bool(left)

    async def add(self, tx: Connection, entries: Sequence[PlannedEntry], traces: Mapping[str, str | None]) -> None:
        """Records entries; `traces` gives the trace context by event id."""
        await tx.execute(
            f"""INSERT INTO entries ({_COLUMNS})
                SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::entries, $1) ON CONFLICT DO NOTHING""",  # noqa: S608
            [_values(entry, traces) for entry in entries],
        )

    async def add_starts(self, tx: Connection, starts: Sequence[Start]) -> None:
        """Records starts of workflows; what has been recorded before stays as it is."""
        await tx.execute(
            f"""INSERT INTO entries ({_COLUMNS})
                SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::entries, $1) ON CONFLICT DO NOTHING""",  # noqa: S608
            [_start_values(start) for start in starts],
        )

    async def leave(self, tx: Connection, left: Sequence[tuple[UUID, UUID, int, datetime, str]]) -> None:
        """Marks entries of an item before an `entry_seq` as left: (tenant, item, entry_seq, at, reason)."""
        await tx.execute(
            """UPDATE entries e SET left_at = k.left_at, left_reason = k.reason
               FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[])
                   AS k (tenant_id, item_id, entry_seq, left_at, reason)
               WHERE e.tenant_id = k.tenant_id AND e.item_id = k.item_id AND e.entry_seq < k.entry_seq
                   AND e.left_at IS NULL AND NOT e.workflow""",
            *([one[column] for one in left] for column in range(5)),
        )


def _start_values(start: Start) -> dict[str, object]:
    origin, item = start.origin, start.origin.entry.snapshot
    return {
        "tenant_id": origin.tenant,
        "id": origin.id,
        "item_id": item.id,
        "entry_seq": origin.entry.entry_seq,
        "kind": item.kind,
        "pipeline": item.pipeline,
        "stage": item.stage,
        "entered_at": origin.entry.entered_at,
        "snapshot": item.model_dump(mode="json"),
        "origin": start.how,
        "correlation": origin.correlation,
        "causepath": format_causepath(origin.causepath),
        "root": origin.root,
        "traceparent": origin.traceparent,
        "rule_set": start.workflow,
        "version": start.version,
        "workflow": True,
        "started_by": start.started_by,
        "canary_share": start.canary_share,
    }


def _values(entry: PlannedEntry, traces: Mapping[str, str | None]) -> dict[str, object]:
    event = entry.event
    left_at, left_reason = entry.left or (None, None)
    return {
        "tenant_id": event.tenant,
        "id": event.id,
        "item_id": event.data.item.id,
        "entry_seq": event.data.entry_seq,
        "kind": event.data.item.kind,
        "pipeline": event.data.to_pipeline,
        "stage": event.data.to_stage,
        "entered_at": event.data.at,
        "snapshot": event.data.item.model_dump(mode="json"),
        "origin": event.data.origin,
        "correlation": event.correlation,
        "causepath": format_causepath(event.causepath),
        "root": event.root_cause,
        "traceparent": traces.get(event.id),
        "rule_set": entry.published.code if entry.published else None,
        "version": entry.published.version if entry.published else None,
        "note": entry.note,
        "left_at": left_at,
        "left_reason": left_reason,
        "workflow": False,
        "canary_share": entry.published.canary_share if entry.published else None,
    }
