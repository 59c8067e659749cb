"""Employees and departments."""

from collections.abc import Sequence
from uuid import UUID

from contracts.contexts import EmployeeRef
from contracts.kit.database import Connection
from entity_service.domain.people import Department, Employee


async def employees(tx: Connection, tenant: UUID) -> list[Employee]:
    rows = await tx.fetch("SELECT * FROM employees WHERE tenant_id = $1 ORDER BY code", tenant)
    return [Employee.model_validate(dict(row)) for row in rows]


async def employee(tx: Connection, tenant: UUID, code: str) -> Employee | None:
    row = await tx.fetchrow("SELECT * FROM employees WHERE tenant_id = $1 AND code = $2", tenant, code)
    return Employee.model_validate(dict(row)) if row else None


async def employee_refs(tx: Connection, tenant: UUID) -> tuple[EmployeeRef, ...]:
    """Whom authors may name: employees who are not archived."""
    found = [one for one in await employees(tx, tenant) if not one.archived]
    return tuple(EmployeeRef(id=one.id, code=one.code, name=one.name) for one in found)


async def put_employee(tx: Connection, tenant: UUID, employee: Employee) -> Employee:
    """Creates or replaces; an employee who exists keeps his id, which is returned."""
    row = await tx.fetchrow(
        """INSERT INTO employees (tenant_id, id, code, first_name, last_name, email, phone, position, department,
               archived) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (tenant_id, code) DO UPDATE SET first_name = $4, last_name = $5, email = $6, phone = $7,
               position = $8, department = $9, archived = $10 RETURNING id""",
        tenant,
        employee.id,
        employee.code,
        employee.first_name,
        employee.last_name,
        employee.email,
        employee.phone,
        employee.position,
        employee.department,
        employee.archived,
    )
    return employee.model_copy(update={"id": row["id"]}) if row else employee


async def departments(tx: Connection, tenant: UUID) -> list[Department]:
    rows = await tx.fetch("SELECT * FROM departments WHERE tenant_id = $1 ORDER BY code", tenant)
    return [Department.model_validate(dict(row)) for row in rows]


async def lock_departments(tx: Connection, tenant: UUID) -> Sequence[Department]:
    """All departments; until the transaction ends nobody else changes the tree."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('departments:' || $1, 0))", str(tenant))
    return await departments(tx, tenant)


async def department(tx: Connection, tenant: UUID, code: str) -> Department | None:
    row = await tx.fetchrow("SELECT * FROM departments WHERE tenant_id = $1 AND code = $2", tenant, code)
    return Department.model_validate(dict(row)) if row else None


async def put_department(tx: Connection, tenant: UUID, department: Department) -> None:
    await tx.execute(
        """INSERT INTO departments (tenant_id, code, name, parent, head, archived) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (tenant_id, code) DO UPDATE SET name = $3, parent = $4, head = $5, archived = $6""",
        tenant,
        department.code,
        department.name,
        department.parent,
        department.head,
        department.archived,
    )
