"""What arrived, with its verdict; what was submitted, until it is judged."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import AwareDatetime, BaseModel

from contracts.kit.database import Connection
from trigger_service.domain.evaluation import ArrivalVerdict, Note
from trigger_service.domain.repeats import has_effect
from trigger_service.triggers.forms import FormSubmitted


class Arrival(BaseModel):
    """One thing that arrived, and concerns at most one item.

    `source` names where it came from (`form:order`, `event:<id>`), `trigger` the one that moved the item.
    """

    id: UUID
    tenant_id: UUID
    trigger_type: str
    source: str
    trigger: str | None = None
    item_id: UUID | None = None
    command_id: UUID | None = None
    verdict: ArrivalVerdict
    reason: str
    attempt: int = 0
    """How often it was sent again; each attempt has commands of its own."""
    key_hash: bytes | None = None
    """Of the nonce, or the key, that it came under."""
    notes: tuple[Note, ...] = ()
    received_at: AwareDatetime
    judged_at: AwareDatetime | None = None

    @property
    def has_effect(self) -> bool:
        """The answers of a form about an existing item are in its timeline, whatever became of the move."""
        commented = self.trigger_type == FormSubmitted.name and self.item_id is not None
        return has_effect(self.verdict, commented=commented)


async def add(tx: Connection, arrival: Arrival) -> bool:
    """False when it is there already: a redelivery."""
    added = await tx.fetchval(
        """INSERT INTO arrivals (id, tenant_id, trigger_type, source, trigger, item_id, command_id, verdict, reason,
                                 notes, received_at, judged_at, key_hash)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING RETURNING true""",
        arrival.id,
        arrival.tenant_id,
        arrival.trigger_type,
        arrival.source,
        arrival.trigger,
        arrival.item_id,
        arrival.command_id,
        arrival.verdict,
        arrival.reason,
        [asdict(note) for note in arrival.notes],
        arrival.received_at,
        arrival.judged_at,
        arrival.key_hash,
    )
    return bool(added)


async def update(tx: Connection, arrival: Arrival) -> bool:
    """Writes what judging changes; false when it has its final verdict already."""
    updated = await tx.fetchval(
        """UPDATE arrivals SET trigger = $3, item_id = $4, command_id = $5, verdict = $6, reason = $7, notes = $8,
               judged_at = $9 WHERE tenant_id = $1 AND id = $2 AND verdict = 'pending' RETURNING true""",
        arrival.tenant_id,
        arrival.id,
        arrival.trigger,
        arrival.item_id,
        arrival.command_id,
        arrival.verdict,
        arrival.reason,
        [asdict(note) for note in arrival.notes],
        arrival.judged_at,
    )
    return bool(updated)


async def reopen(tx: Connection, tenant: UUID, id: UUID, reason: str) -> Arrival | None:
    """Makes a refused arrival pending again, for its next attempt; null when there is none whose content is kept."""
    kept = await tx.fetchval(
        """UPDATE submissions SET refused_at = NULL
           WHERE tenant_id = $1 AND arrival_id = $2 AND refused_at IS NOT NULL RETURNING true""",
        tenant,
        id,
    )
    if not kept:
        return None
    row = await tx.fetchrow(
        """UPDATE arrivals SET verdict = 'pending', reason = $3, attempt = attempt + 1, trigger = NULL, notes = '[]',
               command_id = NULL, judged_at = NULL
           WHERE tenant_id = $1 AND id = $2 AND verdict = 'refused' RETURNING *""",
        tenant,
        id,
        reason,
    )
    return _arrival(row) if row else None


async def later_of_key(tx: Connection, arrival: Arrival) -> Sequence[Arrival]:
    """What came after it under the same nonce or key, the first one first."""
    rows = await tx.fetch(
        """SELECT * FROM arrivals WHERE tenant_id = $1 AND key_hash = $2 AND received_at > $3
           ORDER BY received_at, id""",
        arrival.tenant_id,
        arrival.key_hash,
        arrival.received_at,
    )
    return [_arrival(row) for row in rows]


async def get(tx: Connection, tenant: UUID, id: UUID) -> Arrival | None:
    row = await tx.fetchrow("SELECT * FROM arrivals WHERE tenant_id = $1 AND id = $2", tenant, id)
    return _arrival(row) if row else None


async def waiting_for(tx: Connection, tenant: UUID, command_id: UUID) -> Sequence[Arrival]:
    """The pending arrivals that the command was sent for, locked."""
    rows = await tx.fetch(
        """SELECT * FROM arrivals WHERE tenant_id = $1 AND command_id = $2 AND verdict = 'pending'
           ORDER BY id FOR UPDATE""",
        tenant,
        command_id,
    )
    return [_arrival(row) for row in rows]


async def find(  # noqa: PLR0913 - a list's filters, all by keyword
    tx: Connection,
    tenant: UUID,
    *,
    item_id: UUID | None,
    trigger: str | None,
    verdict: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Arrival]:
    """The newest first. `verdict` is the trigger's own one where a trigger is asked for."""
    note = {name: text for name, text in (("trigger", trigger), ("verdict", verdict)) if text is not None}
    rows = await tx.fetch(
        """SELECT * FROM arrivals WHERE tenant_id = $1
             AND ($2::uuid IS NULL OR item_id = $2)
             AND ($3::jsonb IS NULL OR notes @> $3)
             AND ($4::text IS NULL OR verdict = $4)
             AND ($5::timestamptz IS NULL OR (received_at, id) < ($5, $6::uuid))
           ORDER BY received_at DESC, id DESC LIMIT $7""",
        tenant,
        item_id,
        [note] if trigger else None,
        None if trigger else verdict,
        *(after or (None, None)),
        limit,
    )
    return [_arrival(row) for row in rows]


def _arrival(row: asyncpg.Record) -> Arrival:
    return Arrival.model_validate(dict(row))


async def add_submission(tx: Connection, arrival: Arrival, code: str, content: dict[str, Any]) -> None:
    await tx.execute(
        "INSERT INTO submissions (arrival_id, tenant_id, code, content) VALUES ($1, $2, $3, $4)",
        arrival.id,
        arrival.tenant_id,
        code,
        content,
    )


async def submission(tx: Connection, tenant: UUID, arrival_id: UUID) -> tuple[str, dict[str, Any]] | None:
    """The code of the form or trigger, and what was submitted."""
    row = await tx.fetchrow(
        "SELECT code, content FROM submissions WHERE tenant_id = $1 AND arrival_id = $2", tenant, arrival_id
    )
    return (row["code"], row["content"]) if row else None


async def keep_refused(tx: Connection, arrival: Arrival) -> None:
    """From now on its submission grows old."""
    await tx.execute(
        "UPDATE submissions SET refused_at = $3 WHERE tenant_id = $1 AND arrival_id = $2",
        arrival.tenant_id,
        arrival.id,
        arrival.judged_at,
    )


async def forget_refused(tx: Connection, refused_before: datetime) -> None:
    """As the delivery role: drops what was submitted and refused too long ago to be judged again."""
    await tx.execute("DELETE FROM submissions WHERE refused_at < $1", refused_before)


async def drop_submission(tx: Connection, tenant: UUID, arrival_id: UUID) -> None:
    await tx.execute("DELETE FROM submissions WHERE tenant_id = $1 AND arrival_id = $2", tenant, arrival_id)
