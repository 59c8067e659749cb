"""`/v1/departments`. Archived, never deleted."""

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import Code
from entity_service import store
from entity_service.domain.departments import Department, DepartmentFields, check_parent
from entity_service.quotas import DEFINITIONS


class DepartmentInput(DepartmentFields, Input):
    """A department; `head` is an employee's code, who may be written later."""


def router(service: Service) -> APIRouter:
    """Everybody may read; admins may write."""
    routes = APIRouter(prefix="/v1/departments", tags=["employees"])

    @routes.put("/{code}")
    async def put_department(code: Code, body: DepartmentInput, caller: Caller = require(Role.ADMIN)) -> Department:
        """Creates or replaces a department; the tree stays a tree."""
        wanted = Department(code=code, **dict(body))
        async with service.database.transaction(caller.tenant) as tx:
            present = await store.departments.lock_all(tx, caller.tenant)
            check_parent(present, wanted)
            before = next((one for one in present if one.code == code), None)
            await record_put(tx, caller, "department", code, before, wanted, quota=DEFINITIONS)
            await store.departments.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_department(code: Code, caller: Caller = require(Role.VIEWER)) -> Department:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.departments.find(tx, caller.tenant, code), f"department {code!r}")

    @routes.get("")
    async def list_departments(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Department]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.departments.page(tx, caller.tenant, paging.code, paging.rows))

    return routes
