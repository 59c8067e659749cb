"""Departments."""

from collections.abc import Sequence
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.departments import Department


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[Department]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM departments WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [Department.model_validate(dict(row)) for row in rows]


async def lock_all(tx: Connection, tenant: UUID) -> Sequence[Department]:
    """All departments; until the transaction ends nobody else changes the tree."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('departments:' || $1, 0))", str(tenant))
    rows = await tx.fetch("SELECT * FROM departments WHERE tenant_id = $1", tenant)
    return [Department.model_validate(dict(row)) for row in rows]


async def find(tx: Connection, tenant: UUID, code: str) -> Department | None:
    row = await tx.fetchrow("SELECT * FROM departments WHERE tenant_id = $1 AND code = $2", tenant, code)
    return Department.model_validate(dict(row)) if row else None


async def save(tx: Connection, tenant: UUID, department: Department) -> None:
    """Creates or replaces."""
    await put(tx, "departments", {"tenant_id": tenant, **dict(department)}, key=("tenant_id", "code"))


async def codes(tx: Connection, tenant: UUID) -> tuple[str, ...]:
    """Of those that are not archived."""
    rows = await tx.fetch(
        "SELECT code FROM departments WHERE tenant_id = $1 AND NOT archived ORDER BY code LIMIT 10000", tenant
    )
    return tuple(row["code"] for row in rows)
