"""What a tenant is set up with: its settings, pipelines and custom fields. Archived, never deleted."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from contracts.contexts import (
    FieldSchema,
    FieldType,
    MyCompany,
    Outcome,
    PipelineSchema,
    StageContext,
    TenantSettings,
)
from contracts.inputs import Input
from contracts.issues import Written
from contracts.kit.auth import Caller, Role, require
from contracts.kit.configuration import record
from contracts.kit.database import Connection
from contracts.kit.http import Page, not_found
from contracts.kit.quotas import check
from contracts.kit.service import Service
from contracts.languages import find_locale
from contracts.texts import Line, Name
from contracts.values import Code, Currency, ItemKind, TaxRounding
from entity_service import store
from entity_service.domain import fields, pipelines
from entity_service.domain.calendars import check_zone
from entity_service.quotas import DEFINITIONS


class MyCompanyInput(Input):
    """The tenant's own company, as documents print it."""

    name: Line = ""
    address: Annotated[str, StringConstraints(max_length=1000)] = ""
    tax_number: Line = ""
    email: Line = ""
    phone: Line = ""
    bank: Line = ""
    account: Line = ""


def _address(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or url != f"{parts.scheme}://{parts.netloc}{parts.path}"):
        raise ValueError("is written like https://crm.example or https://example.org/crm")
    return url.rstrip("/")


def _known(language: str) -> str:
    find_locale(language)
    return language


class TenantInput(Input):
    """How times, numbers and texts of the tenant are read and printed.

    `tax_rounding` says whether tax is rounded once for each rate or in each row; an item follows it from the next time
    its product rows are written.
    `default_assignee` is the code of the employee, who may be written later, who gets new work of archived ones whom
    nobody follows.
    `crm_url` is where people open the CRM in a browser: links to items begin with it.
    """

    name: Name
    time_zone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    language: Annotated[
        str, Written(r"^[a-z]{2,3}(-[A-Z]{2})?$", "a language such as en or pt-BR"), AfterValidator(_known)
    ] = "en"
    currency: Currency = "EUR"
    tax_rounding: TaxRounding = "per_rate"
    default_assignee: Code | None = None
    crm_url: Annotated[str, StringConstraints(max_length=500), AfterValidator(_address)] = ""
    my_company: MyCompanyInput = MyCompanyInput()


class Tenant(BaseModel):
    """A tenant's settings."""

    id: UUID
    name: str
    time_zone: str
    language: str
    currency: str
    tax_rounding: TaxRounding
    default_assignee: str | None
    crm_url: str
    my_company: MyCompany


class StageDefinition(Input):
    """A stage; its place in the list is its position."""

    code: Code
    name: Name
    outcome: Outcome = "open"


class PipelineInput(Input):
    """A pipeline with its stages in order."""

    name: Name
    kind: ItemKind
    stages: Annotated[tuple[StageDefinition, ...], Field(min_length=1, max_length=100)]
    archived: bool = False

    def schema_of(self, code: str) -> PipelineSchema:
        stages = pipelines.numbered(StageContext(**stage.model_dump(), position=0) for stage in self.stages)
        return PipelineSchema(code=code, name=self.name, kind=self.kind, stages=stages, archived=self.archived)


class FieldInput(Input):
    """A custom field; `options` exactly for the type list."""

    name: Name
    type: FieldType
    multiple: bool = False
    options: Annotated[tuple[Line, ...], Field(max_length=1000)] = ()
    archived: bool = False


class CustomField(FieldSchema):
    """A custom field of a kind of item."""

    archived: bool


class SettingsRoutes:
    """Everybody may read; admins set up the tenant, authors its pipelines and fields."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["settings"])
        add = router.add_api_route
        add("/tenant", self.put_tenant, methods=["PUT"], response_model=Tenant)
        add("/tenant", self.tenant, methods=["GET"], response_model=Tenant)
        add("/pipelines", self.pipelines, methods=["GET"], response_model=Page[PipelineSchema])
        add("/pipelines/{code}", self.put_pipeline, methods=["PUT"], response_model=PipelineSchema)
        add("/pipelines/{code}", self.pipeline, methods=["GET"], response_model=PipelineSchema)
        add("/fields", self.fields, methods=["GET"], response_model=Page[CustomField])
        add("/fields/{kind}/{code}", self.put_field, methods=["PUT"], response_model=CustomField)
        add("/fields/{kind}/{code}", self.field, methods=["GET"], response_model=CustomField)
        return router

    async def put_tenant(self, body: TenantInput, caller: Caller = require(Role.ADMIN)) -> Tenant:
        """Sets the settings of the token's tenant."""
        settings = TenantSettings.model_validate(body.model_dump(exclude={"my_company"}))
        my_company = MyCompany.model_validate(body.my_company.model_dump())
        wanted = _tenant(caller.tenant, settings, my_company)
        async with self._service.database.transaction(caller.tenant) as tx:
            present = await store.tenants.find(tx, caller.tenant)
            before = _tenant(caller.tenant, *present) if present else None
            await store.tenants.put(tx, caller.tenant, settings, my_company)
            await record(tx, caller, "tenant", None, before, wanted)
        return wanted

    async def tenant(self, caller: Caller = require(Role.VIEWER)) -> Tenant:
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.tenants.find(tx, caller.tenant)
        if found is None:
            raise not_found("tenant yet: PUT /v1/tenant makes it")
        return _tenant(caller.tenant, *found)

    async def put_pipeline(
        self, code: Code, body: PipelineInput, caller: Caller = require(Role.AUTHOR)
    ) -> PipelineSchema:
        """Creates or replaces a pipeline. A stage that holds items cannot be dropped."""
        wanted = body.schema_of(code)
        async with self._service.database.transaction(caller.tenant) as tx:
            present = await store.pipelines.lock(tx, caller.tenant, code)
            if present is None:
                await check(tx, caller.tenant, DEFINITIONS)
            held = await store.pipelines.held_stages(tx, caller.tenant, code)
            pipelines.check_replacement(present, wanted, held)
            await store.pipelines.put(tx, caller.tenant, wanted)
            await record(tx, caller, "pipeline", code, present, wanted)
        return wanted

    async def pipeline(self, code: Code, caller: Caller = require(Role.VIEWER)) -> PipelineSchema:
        async with self._service.database.transaction(caller.tenant) as tx:
            found = (await store.pipelines.some(tx, caller.tenant, [code])).get(code)
        if found is None:
            raise not_found(f"pipeline {code!r}")
        return found

    async def pipelines(self, caller: Caller = require(Role.VIEWER)) -> Page[PipelineSchema]:
        """All pipelines, archived ones too, oldest first."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return Page(items=list((await store.pipelines.of_tenant(tx, caller.tenant)).values()))

    async def put_field(
        self, kind: ItemKind, code: Code, body: FieldInput, caller: Caller = require(Role.AUTHOR)
    ) -> CustomField:
        """Creates or replaces a custom field; its type stays."""
        wanted = CustomField(code=code, kind=kind, **body.model_dump())
        async with self._service.database.transaction(caller.tenant) as tx:
            present = await store.fields.find(tx, caller.tenant, kind, code)
            if present is None:
                await check(tx, caller.tenant, DEFINITIONS)
            fields.check_replacement(present, wanted)
            before = next((one for one in await self._fields(tx, caller.tenant, kind) if one.code == code), None)
            await store.fields.put(tx, caller.tenant, wanted, wanted.archived)
            await record(tx, caller, "field", f"{kind}/{code}", before, wanted)
        return wanted

    async def field(self, kind: ItemKind, code: Code, caller: Caller = require(Role.VIEWER)) -> CustomField:
        async with self._service.database.transaction(caller.tenant) as tx:
            found = [field for field in await self._fields(tx, caller.tenant, kind) if field.code == code]
        if not found:
            raise not_found(f"field {code!r} of items of kind {kind}")
        return found[0]

    async def fields(
        self, kind: Annotated[ItemKind | None, Query()] = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[CustomField]:
        """All fields, archived ones too."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return Page(items=await self._fields(tx, caller.tenant, kind))

    async def _fields(self, tx: Connection, tenant: UUID, kind: ItemKind | None) -> list[CustomField]:
        found = await store.fields.of_tenant(tx, tenant, kind)
        return [CustomField(**field.model_dump(), archived=archived) for field, archived in found]


def _tenant(id: UUID, settings: TenantSettings, my_company: MyCompany) -> Tenant:
    return Tenant(id=id, **settings.model_dump(), my_company=my_company)
