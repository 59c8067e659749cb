"""`/v1/companies`: the companies of clients."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from contracts.clients import CompanyFields
from contracts.contexts import CompanyContext
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.texts import Name
from entity_service import store
from entity_service.api.inputs import Address, address_filter
from entity_service.api.requisites import RequisitesInput, merged, requisites_of
from entity_service.api.responses import create_once, created
from entity_service.domain.companies import company_of


class CompanyInput(CompanyFields, Input):
    """A company."""

    requisites: RequisitesInput = RequisitesInput()

    def values(self) -> dict[str, Any]:
        """What the request names, with requisites as they are kept. Raises `InvalidError`."""
        given = self.model_dump(exclude_unset=True)
        return given | ({"requisites": requisites_of(self.requisites)} if "requisites" in given else {})


class CompanyPatch(CompanyInput):
    """Only what is given changes."""

    title: Name = "-"


def router(service: Service, new_id: NewId) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1/companies", tags=["clients"])

    @routes.post("", status_code=201, response_model=CompanyContext)
    async def create_company(request: Request, body: CompanyInput, caller: Caller = require(Role.AGENT)) -> Response:
        company = company_of(new_id(), body.values())

        async def create(tx: Connection) -> Response:
            await store.companies.save(tx, caller.tenant, company)
            return created(company)

        return await create_once(service, request, caller, create)

    @routes.patch("/{id}")
    async def patch_company(id: UUID, body: CompanyPatch, caller: Caller = require(Role.AGENT)) -> CompanyContext:
        """Changes what is given."""
        async with service.database.transaction(caller.tenant) as tx:
            company = company_of(id, merged((await _find(tx, caller, id)).model_dump(), body.values()))
            await store.companies.save(tx, caller.tenant, company)
        return company

    @routes.get("/{id}")
    async def get_company(id: UUID, caller: Caller = require(Role.VIEWER)) -> CompanyContext:
        async with service.database.transaction(caller.tenant) as tx:
            return await _find(tx, caller, id)

    @routes.get("")
    async def list_companies(
        paging: Paged, phone: Address = None, email: Address = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[CompanyContext]:
        """Newest first; with an address only those that have it."""
        wanted = address_filter(phone, email)
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_id(await store.companies.search(tx, caller.tenant, wanted, paging.id, paging.rows))

    return routes


async def _find(tx: Connection, caller: Caller, id: UUID) -> CompanyContext:
    return found(await store.companies.find(tx, caller.tenant, id), f"company {id}")
