"""`/v1/employees`. Archived, never deleted."""

from uuid import UUID

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import Code
from entity_service import store
from entity_service.domain.addresses import normalise_email, normalise_phone
from entity_service.domain.employees import Employee, EmployeeFields, EmployeeReferences
from entity_service.domain.errors import InvalidError
from entity_service.quotas import DEFINITIONS


class EmployeeInput(EmployeeFields, Input):
    """An employee; the server gives the id.

    `successor` is the code of the one, who may be written later, who gets the new work once the employee is archived.
    """


class EmployeeAnswer(Employee):
    """The employee; for an archived one also what still refers to them."""

    references: EmployeeReferences | None = None


def router(service: Service, new_id: NewId) -> APIRouter:
    """Everybody may read; admins may write."""
    routes = APIRouter(prefix="/v1/employees", tags=["employees"])

    @routes.put("/{code}")
    async def put_employee(code: Code, body: EmployeeInput, caller: Caller = require(Role.ADMIN)) -> EmployeeAnswer:
        """Creates or replaces an employee, who keeps the id. Archiving one answers what still refers to them."""
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.employees.find(tx, caller.tenant, code)
            wanted = _employee_of(before.id if before else new_id(), code, body)
            await _check(tx, caller, wanted)
            await record_put(tx, caller, "employee", code, before, wanted, quota=DEFINITIONS)
            await store.employees.save(tx, caller.tenant, wanted)
            references = await store.employees.references(tx, caller.tenant, wanted) if wanted.archived else None
        return EmployeeAnswer(**dict(wanted), references=references)

    @routes.get("/{code}")
    async def get_employee(code: Code, caller: Caller = require(Role.VIEWER)) -> Employee:
        async with service.database.transaction(caller.tenant) as tx:
            return await find_employee(tx, caller, code)

    @routes.get("/{code}/references")
    async def get_references(code: Code, caller: Caller = require(Role.ADMIN)) -> EmployeeReferences:
        """What refers to an employee in this service, and who gets new work that is meant for them."""
        async with service.database.transaction(caller.tenant) as tx:
            return await store.employees.references(tx, caller.tenant, await find_employee(tx, caller, code))

    @routes.get("")
    async def list_employees(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Employee]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.employees.page(tx, caller.tenant, paging.code, paging.rows))

    return routes


async def find_employee(tx: Connection, caller: Caller, code: str) -> Employee:
    """Raises 404."""
    return found(await store.employees.find(tx, caller.tenant, code), f"employee {code!r}")


def _employee_of(id: UUID, code: str, body: EmployeeInput) -> Employee:
    addresses = {
        "phone": normalise_phone(body.phone) if body.phone else None,
        "email": normalise_email(body.email) if body.email else None,
    }
    return Employee(id=id, code=code, **dict(body) | addresses)


async def _check(tx: Connection, caller: Caller, wanted: Employee) -> None:
    if wanted.successor == wanted.code:
        raise InvalidError(("successor", "is somebody else than the employee"))
    if wanted.department and not await store.departments.find(tx, caller.tenant, wanted.department):
        raise InvalidError(("department", f"there is no department {wanted.department!r}"))
