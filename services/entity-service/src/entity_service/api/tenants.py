"""`/v1/tenant`: a tenant's settings."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, StringConstraints

from contracts.calendars import Zone
from contracts.contexts import TenantFields
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.configuration import record
from contracts.kit.routes import found
from contracts.kit.service import Service
from contracts.languages import Language
from contracts.texts import Name
from entity_service import store


def _address(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or url != f"{parts.scheme}://{parts.netloc}{parts.path}"):
        raise ValueError("is written like https://crm.example or https://example.org/crm")
    return url.rstrip("/")


class TenantInput(TenantFields, Input):
    """How times, numbers and texts of the tenant are read and printed.

    `tax_rounding` says whether tax is rounded once for each rate or in each row; an item follows it from the next time
    its product rows are written.
    `default_assignee` is the code of the employee, who may be written later, who gets new work of archived ones who
    have neither successor nor head.
    `crm_url` is where people open the CRM in a browser: links to items begin with it.
    """

    name: Name
    time_zone: Zone = "UTC"
    language: Language = "en"
    crm_url: Annotated[str, StringConstraints(max_length=500), AfterValidator(_address)] = ""


class Tenant(TenantFields, BaseModel):
    """A tenant's settings."""

    id: UUID


def router(service: Service) -> APIRouter:
    """Everybody may read; admins may write."""
    routes = APIRouter(prefix="/v1/tenant", tags=["settings"])

    @routes.put("")
    async def put_tenant(body: TenantInput, caller: Caller = require(Role.ADMIN)) -> Tenant:
        """Sets the settings of the token's tenant."""
        wanted = _tenant(caller.tenant, body)
        async with service.database.transaction(caller.tenant) as tx:
            present = await store.tenants.find(tx, caller.tenant)
            before = _tenant(caller.tenant, present) if present else None
            await store.tenants.save(tx, caller.tenant, wanted)
            await record(tx, caller, "tenant", None, before, wanted)
        return wanted

    @routes.get("")
    async def get_tenant(caller: Caller = require(Role.VIEWER)) -> Tenant:
        async with service.database.transaction(caller.tenant) as tx:
            kept = found(await store.tenants.find(tx, caller.tenant), "tenant yet: PUT /v1/tenant makes it")
        return _tenant(caller.tenant, kept)

    return routes


def _tenant(id: UUID, settings: TenantFields) -> Tenant:
    given = {name: getattr(settings, name) for name in TenantFields.model_fields}
    return Tenant(id=id, **given)
