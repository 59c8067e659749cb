"""Employees among whom somebody is chosen, and whose turn it was."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from entity_service.domain.employees import Employee
from entity_service.domain.selection import Candidate

_EMPLOYEES = """SELECT e.*, s.tracked, p.at_work,
        (SELECT max((a->>'until')::timestamptz) FROM jsonb_array_elements(s.schedule->'absences') a
         WHERE (a->>'from')::timestamptz <= $3 AND (a->>'until')::timestamptz > $3) AS absent_until
    FROM employees e
    LEFT JOIN schedules s ON (s.tenant_id, s.employee_id) = (e.tenant_id, e.id)
    LEFT JOIN presences p ON (p.tenant_id, p.employee_id) = (e.tenant_id, e.id)
    WHERE e.tenant_id = $1 AND e.id = ANY ($2)"""


async def load(tx: Connection, tenant: UUID, ids: Sequence[UUID], now: datetime) -> list[Candidate]:
    """Those of the ids that are employees, in that order, each once."""
    found = {
        row["id"]: Candidate(
            Employee.model_validate(dict(row)), row["absent_until"], bool(row["at_work"]) if row["tracked"] else None
        )
        for row in await tx.fetch(_EMPLOYEES, tenant, list(ids), now)
    }
    return [found[id] for id in dict.fromkeys(ids) if id in found]


_MEMBERS = """WITH RECURSIVE inside AS (
        SELECT tenant_id, code AS of, code, 0 AS depth FROM departments
        WHERE tenant_id = ANY ($1) AND ($2::text[] IS NULL OR code = ANY ($2))
        UNION ALL
        SELECT i.tenant_id, i.of, d.code, i.depth + 1
        FROM inside i JOIN departments d ON (d.tenant_id, d.parent) = (i.tenant_id, i.code) WHERE i.depth < 100
    )
    SELECT i.tenant_id, i.of, e.id FROM inside i
    LEFT JOIN employees e ON (e.tenant_id, e.department) = (i.tenant_id, i.code) AND NOT e.archived
    ORDER BY i.tenant_id, i.of, e.code"""


async def members(
    tx: Connection, tenants: Collection[UUID], departments: Sequence[str] | None = None
) -> dict[UUID, dict[str, list[UUID]]]:
    """Who belongs to each department or to one below it, archived ones excepted, by tenant and code; null: to all."""
    found: dict[UUID, dict[str, list[UUID]]] = {tenant: {} for tenant in tenants}
    for row in await tx.fetch(_MEMBERS, list(tenants), None if departments is None else list(departments)):
        here = found[row["tenant_id"]].setdefault(row["of"], [])
        if row["id"] is not None:
            here.append(row["id"])
    return found


_HEADS = """WITH RECURSIVE above AS (
        SELECT d.tenant_id, d.head, d.parent, 0 AS distance FROM employees e
        JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
        WHERE e.tenant_id = $1 AND e.id = $2
        UNION ALL
        SELECT d.tenant_id, d.head, d.parent, a.distance + 1
        FROM above a JOIN departments d ON (d.tenant_id, d.code) = (a.tenant_id, a.parent) WHERE a.distance < 100
    )
    SELECT e.id FROM above a JOIN employees e ON (e.tenant_id, e.code) = (a.tenant_id, a.head)
    ORDER BY a.distance"""


async def heads(tx: Connection, tenant: UUID, employee: UUID) -> list[UUID]:
    """The heads of an employee's department and of those above it, the nearest first."""
    return [row["id"] for row in await tx.fetch(_HEADS, tenant, employee)]


async def lock_turn(tx: Connection, tenant: UUID, of: str) -> UUID | None:
    """Who had the last turn; until the transaction ends nobody else takes one."""
    await tx.execute("INSERT INTO turns (tenant_id, of) VALUES ($1, $2) ON CONFLICT DO NOTHING", tenant, of)
    last: UUID | None = await tx.fetchval(
        "SELECT last_id FROM turns WHERE tenant_id = $1 AND of = $2 FOR UPDATE", tenant, of
    )
    return last


async def take_turn(tx: Connection, tenant: UUID, of: str, employee: UUID) -> None:
    """Notes who has had the turn that is locked."""
    await tx.execute("UPDATE turns SET last_id = $3 WHERE tenant_id = $1 AND of = $2", tenant, of, employee)
