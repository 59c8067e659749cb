"""Employees."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.contexts import EmployeeRef
from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.departments import Department
from entity_service.domain.employees import (
    Absentable,
    Employee,
    EmployeeReferences,
    Reference,
    References,
    Staff,
    substitutes_of,
)
from entity_service.domain.names import full_name


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[Employee]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM employees WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [Employee.model_validate(dict(row)) for row in rows]


async def find(tx: Connection, tenant: UUID, code: str) -> Employee | None:
    row = await tx.fetchrow("SELECT * FROM employees WHERE tenant_id = $1 AND code = $2", tenant, code)
    return Employee.model_validate(dict(row)) if row else None


async def refs(tx: Connection, tenant: UUID, now: datetime, *, archived: bool) -> tuple[EmployeeRef, ...]:
    """Those who are archived, or those who are not, by code; with who is absent `now`."""
    substitute_of = (await substitutes(tx, [tenant], now)).get(tenant, {})
    rows = await tx.fetch(
        """SELECT e.id, e.code, e.first_name, e.last_name,
               (SELECT max((a->>'until')::timestamptz) FROM jsonb_array_elements(s.schedule->'absences') a
                WHERE (a->>'from')::timestamptz <= $3 AND (a->>'until')::timestamptz > $3) AS absent_until
           FROM employees e LEFT JOIN schedules s ON (s.tenant_id, s.employee_id) = (e.tenant_id, e.id)
           WHERE e.tenant_id = $1 AND e.archived = $2 ORDER BY e.code""",
        tenant,
        archived,
        now,
    )
    return tuple(_ref(row, substitute_of.get(row["id"])) for row in rows)


def _ref(row: asyncpg.Record, substitute: UUID | None) -> EmployeeRef:
    name, until = full_name(row["first_name"], row["last_name"]), row["absent_until"]
    return EmployeeRef(id=row["id"], code=row["code"], name=name, absent_until=until, substitute_id=substitute)


async def substitutes(tx: Connection, tenants: Collection[UUID], now: datetime) -> dict[UUID, dict[UUID, UUID]]:
    """By tenant: who answers for each employee who is absent `now`, without those for whom nobody does."""
    rows = await tx.fetch(
        """SELECT e.tenant_id, e.id, e.code, e.archived, a.until IS NOT NULL AS absent, a.substitute
           FROM employees e LEFT JOIN schedules s ON (s.tenant_id, s.employee_id) = (e.tenant_id, e.id)
           LEFT JOIN LATERAL (
               SELECT (one->>'until')::timestamptz AS until, one->>'substitute' AS substitute
               FROM jsonb_array_elements(s.schedule->'absences') one
               WHERE (one->>'from')::timestamptz <= $2 AND (one->>'until')::timestamptz > $2
               ORDER BY 1 DESC LIMIT 1) a ON true
           WHERE e.tenant_id = ANY ($1) AND EXISTS (
               SELECT FROM schedules o WHERE o.tenant_id = e.tenant_id
                 AND o.schedule @? '$.absences[*] ? (@.substitute != null)')""",
        list(tenants),
        now,
    )
    found = defaultdict[UUID, list[Absentable]](list)
    for row in rows:
        found[row["tenant_id"]].append(
            Absentable(row["id"], row["code"], row["archived"], row["absent"], row["substitute"])
        )
    return {tenant: substitutes_of(some) for tenant, some in found.items()}


async def save(tx: Connection, tenant: UUID, employee: Employee) -> None:
    """Creates or replaces; an employee who exists keeps the id."""
    await put(tx, "employees", {"tenant_id": tenant, **dict(employee)}, key=("tenant_id", "code"), kept=("id",))


async def archived(tx: Connection, tenant: UUID, ids: Collection[UUID]) -> dict[UUID, Employee]:
    """Those of the employees who are archived, by id."""
    rows = await tx.fetch(
        "SELECT * FROM employees WHERE tenant_id = $1 AND id = ANY ($2) AND archived", tenant, list(ids)
    )
    return {row["id"]: Employee.model_validate(dict(row)) for row in rows}


async def staffs(tx: Connection, tenants: Collection[UUID]) -> dict[UUID, Staff]:
    """The staff of those tenants who have archived employees."""
    asked = list(tenants)
    employees = await tx.fetch(
        """SELECT * FROM employees e WHERE tenant_id = ANY ($1)
             AND EXISTS (SELECT FROM employees a WHERE a.tenant_id = e.tenant_id AND a.archived)""",
        asked,
    )
    if not employees:
        return {}
    departments = await tx.fetch("SELECT * FROM departments WHERE tenant_id = ANY ($1)", asked)
    defaults = await tx.fetch("SELECT tenant_id, default_assignee FROM tenants WHERE tenant_id = ANY ($1)", asked)
    default_of = {row["tenant_id"]: row["default_assignee"] for row in defaults}
    return {
        tenant: Staff(
            (Employee.model_validate(dict(row)) for row in employees if row["tenant_id"] == tenant),
            (Department.model_validate(dict(row)) for row in departments if row["tenant_id"] == tenant),
            default_of.get(tenant),
        )
        for tenant in {row["tenant_id"] for row in employees}
    }


async def references(tx: Connection, tenant: UUID, employee: Employee) -> EmployeeReferences:
    """What refers to an employee, of every kind of which there is something, and who gets the new work."""
    found = [await _references(tx, tenant, employee, kind) for kind in _REFERENCES]
    staff = (await staffs(tx, [tenant])).get(tenant)
    next_ = staff.assignee(employee) if staff else employee
    return EmployeeReferences(
        new_work_goes_to=next_.code if next_ else None, references=tuple(one for one in found if one.count)
    )


async def _references(tx: Connection, tenant: UUID, employee: Employee, kind: str) -> References:
    what, where = _REFERENCES[kind]
    key = employee.id if "uuid" in where else employee.code
    rows = await tx.fetch(f"SELECT {what}, count(*) OVER () AS count {where} LIMIT {_SHOWN}", tenant, key)  # noqa: S608
    first = tuple(Reference(ref=row["ref"], name=row["name"]) for row in rows)
    return References(kind=kind, count=rows[0]["count"] if rows else 0, first=first)


_SHOWN = 20
_OPEN_TASKS = "FROM tasks WHERE tenant_id = $1 AND status IN ('open', 'in_progress') AND"
_REFERENCES = {
    "open_item": (
        "i.id::text AS ref, i.title AS name",
        """FROM items i JOIN stages s ON (s.tenant_id, s.pipeline, s.code) = (i.tenant_id, i.pipeline, i.stage)
           WHERE i.tenant_id = $1 AND i.responsible_id = $2::uuid AND s.outcome = 'open' ORDER BY i.id""",
    ),
    "observer_of_open_item": (
        "i.id::text AS ref, i.title AS name",
        """FROM items i JOIN stages s ON (s.tenant_id, s.pipeline, s.code) = (i.tenant_id, i.pipeline, i.stage)
           WHERE i.tenant_id = $1 AND $2::uuid = ANY (i.observer_ids) AND s.outcome = 'open' ORDER BY i.id""",
    ),
    "open_task": ("id::text AS ref, name", f"{_OPEN_TASKS} assignee_id = $2::uuid ORDER BY id"),
    "participant_of_open_task": ("id::text AS ref, name", f"{_OPEN_TASKS} $2::uuid = ANY (participants) ORDER BY id"),
    "observer_of_open_task": ("id::text AS ref, name", f"{_OPEN_TASKS} $2::uuid = ANY (observers) ORDER BY id"),
    "open_planned_activity": (
        "id::text AS ref, name",
        "FROM planned_activities WHERE tenant_id = $1 AND status = 'open' AND responsible_id = $2::uuid ORDER BY id",
    ),
    "guest_of_open_planned_activity": (
        "id::text AS ref, name",
        "FROM planned_activities WHERE tenant_id = $1 AND status = 'open' AND $2::uuid = ANY (guests) ORDER BY id",
    ),
    "head_of_department": (
        "code AS ref, name",
        "FROM departments WHERE tenant_id = $1 AND head = $2 AND NOT archived ORDER BY code",
    ),
    "successor_of_employee": (
        "code AS ref, trim(first_name || ' ' || last_name) AS name",
        "FROM employees WHERE tenant_id = $1 AND successor = $2 ORDER BY code",
    ),
    "default_assignee": (
        "tenant_id::text AS ref, name",
        "FROM tenants WHERE tenant_id = $1 AND default_assignee = $2",
    ),
}
"""Of each kind: what is shown of a record, and which ones they are."""
