"""`/v1/my-companies`: the tenant's own companies. Archived, never deleted."""

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import Code
from entity_service import store
from entity_service.api.requisites import RequisitesInput, requisites_of
from entity_service.domain.my_companies import OwnCompany, OwnCompanyFields
from entity_service.quotas import DEFINITIONS


class MyCompanyInput(OwnCompanyFields, Input):
    """A company of the tenant's own, with the requisites that its documents print."""

    requisites: RequisitesInput = RequisitesInput()

    def company(self, code: str) -> OwnCompany:
        """As it is kept. Raises `InvalidError`."""
        plain = self.model_dump(exclude={"requisites"})
        return OwnCompany.model_validate({**plain, "code": code, "requisites": requisites_of(self.requisites)})


def router(service: Service) -> APIRouter:
    """Everybody may read; admins may write."""
    routes = APIRouter(prefix="/v1/my-companies", tags=["settings"])

    @routes.put("/{code}")
    async def put_my_company(code: Code, body: MyCompanyInput, caller: Caller = require(Role.ADMIN)) -> OwnCompany:
        """Creates or replaces an own company; making it the default takes the flag from the one before."""
        wanted = body.company(code)
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.my_companies.find(tx, caller.tenant, code)
            await record_put(tx, caller, "my-company", code, before, wanted, quota=DEFINITIONS)
            await store.my_companies.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_my_company(code: Code, caller: Caller = require(Role.VIEWER)) -> OwnCompany:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.my_companies.find(tx, caller.tenant, code), f"own company {code!r}")

    @routes.get("")
    async def list_my_companies(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[OwnCompany]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.my_companies.page(tx, caller.tenant, paging.code, paging.rows))

    return routes
