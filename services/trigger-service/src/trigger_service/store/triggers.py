"""Triggers."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from trigger_service.domain.triggers import Trigger, TriggerSpec


async def save(tx: Connection, tenant: UUID, trigger: Trigger, now: datetime) -> bool:
    """Creates or replaces; says whether it was created."""
    created = await tx.fetchval(
        """INSERT INTO triggers (tenant_id, code, type, archived, spec, change_as, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, code) DO UPDATE SET type = excluded.type, archived = excluded.archived,
               spec = excluded.spec, change_as = excluded.change_as, updated_at = excluded.updated_at
           RETURNING xmax = 0""",
        tenant,
        trigger.code,
        trigger.spec.type,
        trigger.spec.archived,
        trigger.spec.model_dump(mode="json", by_alias=True),
        trigger.change_as,
        now,
    )
    return bool(created)


async def find(tx: Connection, tenant: UUID, code: str) -> Trigger | None:
    row = await tx.fetchrow("SELECT * FROM triggers WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _trigger(row) if row else None


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[Trigger]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM triggers WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [_trigger(row) for row in rows]


async def in_use(tx: Connection, tenant: UUID) -> list[Trigger]:
    """Those that are neither archived nor disabled, by code."""
    rows = await tx.fetch("SELECT * FROM triggers WHERE tenant_id = $1 AND NOT archived ORDER BY code", tenant)
    return [trigger for trigger in map(_trigger, rows) if trigger.spec.enabled]


async def of_type(tx: Connection, tenant: UUID, type_: str) -> list[Trigger]:
    """Those that are not archived, by code."""
    return (await of_types(tx, [tenant], [type_])).get((tenant, type_), [])


async def of_types(
    tx: Connection, tenants: Collection[UUID], types: Collection[str]
) -> dict[tuple[UUID, str], list[Trigger]]:
    """Those that are not archived, by tenant and type, each list by code."""
    rows = await tx.fetch(
        "SELECT * FROM triggers WHERE tenant_id = ANY ($1) AND type = ANY ($2) AND NOT archived ORDER BY code",
        list(tenants),
        list(types),
    )
    found = dict[tuple[UUID, str], list[Trigger]]()
    for row in rows:
        found.setdefault((row["tenant_id"], row["type"]), []).append(_trigger(row))
    return found


async def naming(tx: Connection, tenant: UUID, employee: UUID) -> list[Trigger]:
    """Those that are not archived and move items in the employee's name."""
    rows = await tx.fetch(
        "SELECT * FROM triggers WHERE tenant_id = $1 AND change_as = $2 AND NOT archived", tenant, employee
    )
    return [_trigger(row) for row in rows]


def _trigger(row: asyncpg.Record) -> Trigger:
    spec = TriggerSpec.model_validate(row["spec"])
    return Trigger(code=row["code"], spec=spec, change_as=row["change_as"])


async def count(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM triggers WHERE tenant_id = $1", tenant)
    return count
