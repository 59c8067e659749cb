"""`/v1/departments` and `/v1/employees`. Archived, never deleted."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import NewId
from contracts.kit.configuration import record
from contracts.kit.database import Connection
from contracts.kit.http import Page, not_found
from contracts.kit.quotas import check
from contracts.kit.service import Service
from contracts.texts import Line, Name
from contracts.values import Code
from entity_service import store
from entity_service.domain.clients import normalise_email, normalise_phone
from entity_service.domain.errors import InvalidError
from entity_service.domain.people import Department, Employee, EmployeeReferences, check_parent
from entity_service.quotas import DEFINITIONS


class DepartmentInput(Input):
    """A department; `head` is an employee's code, who may be written later."""

    name: Name
    parent: Code | None = None
    head: Code | None = None
    archived: bool = False


class EmployeeInput(Input):
    """An employee; the server gives the id.

    `successor` is the code of the one, who may be written later, who gets the new work once the employee is archived.
    """

    first_name: Name
    last_name: Line = ""
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    phone: Annotated[str, StringConstraints(max_length=50)] | None = None
    position: Line | None = None
    department: Code | None = None
    successor: Code | None = None
    archived: bool = False


class EmployeeAnswer(Employee):
    """The employee; for an archived one also what still refers to them."""

    references: EmployeeReferences | None = None


class PeopleRoutes:
    """Everybody may read; admins may write."""

    def __init__(self, service: Service, new_id: NewId) -> None:
        self._service = service
        self._new_id = new_id

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["people"])
        add = router.add_api_route
        add("/departments", self.departments, methods=["GET"], response_model=Page[Department])
        add("/departments/{code}", self.put_department, methods=["PUT"], response_model=Department)
        add("/departments/{code}", self.department, methods=["GET"], response_model=Department)
        add("/employees", self.employees, methods=["GET"], response_model=Page[Employee])
        add("/employees/{code}", self.put_employee, methods=["PUT"], response_model=EmployeeAnswer)
        add("/employees/{code}", self.employee, methods=["GET"], response_model=Employee)
        add("/employees/{code}/references", self.references, methods=["GET"], response_model=EmployeeReferences)
        return router

    async def departments(self, caller: Caller = require(Role.VIEWER)) -> Page[Department]:
        """All departments, archived ones too."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return Page(items=await store.people.departments(tx, caller.tenant))

    async def put_department(
        self, code: Code, body: DepartmentInput, caller: Caller = require(Role.ADMIN)
    ) -> Department:
        """Creates or replaces a department; the tree stays a tree."""
        wanted = Department(code=code, **body.model_dump())
        async with self._service.database.transaction(caller.tenant) as tx:
            present = await store.people.lock_departments(tx, caller.tenant)
            before = next((one for one in present if one.code == code), None)
            if before is None:
                await check(tx, caller.tenant, DEFINITIONS)
            check_parent(present, wanted)
            await store.people.put_department(tx, caller.tenant, wanted)
            await record(tx, caller, "department", code, before, wanted)
        return wanted

    async def department(self, code: Code, caller: Caller = require(Role.VIEWER)) -> Department:
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.people.department(tx, caller.tenant, code)
        if found is None:
            raise not_found(f"department {code!r}")
        return found

    async def employees(self, caller: Caller = require(Role.VIEWER)) -> Page[Employee]:
        """All employees, archived ones too."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return Page(items=await store.people.employees(tx, caller.tenant))

    async def put_employee(
        self, code: Code, body: EmployeeInput, caller: Caller = require(Role.ADMIN)
    ) -> EmployeeAnswer:
        """Creates or replaces an employee, who keeps the id. Archiving one answers what still refers to them."""
        wanted = self._employee_of(code, body)
        if wanted.successor == code:
            raise InvalidError(("successor", "is somebody else than the employee"))
        async with self._service.database.transaction(caller.tenant) as tx:
            if wanted.department and not await store.people.department(tx, caller.tenant, wanted.department):
                raise InvalidError(("department", f"there is no department {wanted.department!r}"))
            before = await store.people.employee(tx, caller.tenant, code)
            if before is None:
                await check(tx, caller.tenant, DEFINITIONS)
            kept = await store.people.put_employee(tx, caller.tenant, wanted)
            await record(tx, caller, "employee", code, before, kept)
            found = await store.people.references(tx, caller.tenant, kept) if kept.archived else None
        return EmployeeAnswer(**kept.model_dump(), references=found)

    def _employee_of(self, code: str, body: EmployeeInput) -> Employee:
        addresses = {
            "phone": normalise_phone(body.phone) if body.phone else None,
            "email": normalise_email(body.email) if body.email else None,
        }
        return Employee(id=self._new_id(), code=code, **body.model_dump(exclude=set(addresses)), **addresses)

    async def employee(self, code: Code, caller: Caller = require(Role.VIEWER)) -> Employee:
        async with self._service.database.transaction(caller.tenant) as tx:
            return await self._found(tx, caller, code)

    async def references(self, code: Code, caller: Caller = require(Role.ADMIN)) -> EmployeeReferences:
        """What refers to an employee in this service, and who gets new work that is meant for them."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return await store.people.references(tx, caller.tenant, await self._found(tx, caller, code))

    async def _found(self, tx: Connection, caller: Caller, code: str) -> Employee:
        found = await store.people.employee(tx, caller.tenant, code)
        if found is None:
            raise not_found(f"employee {code!r}")
        return found
