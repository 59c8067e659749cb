"""Item heads and entries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from contracts.envelope import format_causepath
from contracts.kit.database import Connection
from rule_engine.domain.planning import Head, PlannedEntry

type ItemKey = tuple[UUID, UUID]
"""Tenant and item."""


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
        await tx.executemany(
            """UPDATE item_heads SET last_entry_seq = $3, last_version = $4, deleted = $5
               WHERE tenant_id = $1 AND item_id = $2""",
            [(*key, head.last_entry_seq, head.last_version, head.deleted) for key, head in heads.items()],
        )

    async def known(self, tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the events that are an entry's cause already."""
        rows = await tx.fetch("SELECT id FROM entries WHERE id = ANY ($1)", ids)
        return {row["id"] for row in rows}

    async def add(self, tx: Connection, entries: Sequence[PlannedEntry], traces: Mapping[str, str | None]) -> None:
        """Records entries; `traces` gives the trace context by event id."""
        await tx.executemany(
            """INSERT INTO entries (tenant_id, id, item_id, entry_seq, kind, pipeline, stage, entered_at, snapshot,
                   origin, correlation, causepath, traceparent, rule_set, version, note, left_at, left_reason)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
               ON CONFLICT DO NOTHING""",
            [_columns(entry, traces) for entry in entries],
        )

    async def leave(self, tx: Connection, left: Sequence[tuple[UUID, UUID, int, datetime, str]]) -> None:
        """Marks entries of an item before an `entry_seq` as left: (tenant, item, entry_seq, at, reason)."""
        await tx.executemany(
            """UPDATE entries SET left_at = $4, left_reason = $5
               WHERE tenant_id = $1 AND item_id = $2 AND entry_seq < $3 AND left_at IS NULL""",
            left,
        )


def _columns(entry: PlannedEntry, traces: Mapping[str, str | None]) -> tuple[object, ...]:
    event = entry.event
    left_at, left_reason = entry.left or (None, None)
    return (
        event.tenant,
        UUID(event.id),
        event.data.item.id,
        event.data.entry_seq,
        event.data.item.kind,
        event.data.to_pipeline,
        event.data.to_stage,
        event.data.at,
        event.data.item.model_dump(mode="json"),
        event.data.origin,
        event.correlation,
        format_causepath(event.causepath),
        traces.get(event.id),
        entry.published.code if entry.published else None,
        entry.published.version if entry.published else None,
        entry.note,
        left_at,
        left_reason,
    )
