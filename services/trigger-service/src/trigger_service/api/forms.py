"""`/v1/forms`: what authors define; the public side is in `intake`."""

from fastapi import APIRouter, Response

from contracts.contexts import TenantSchema
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.configuration import record
from contracts.kit.database import Database
from contracts.kit.http import Page, not_found
from contracts.kit.quotas import check
from contracts.values import Code
from trigger_service.domain.checks import check_form
from trigger_service.domain.definitions import Form, FormSpec
from trigger_service.domain.targets import item_fields
from trigger_service.gateways.entity import EntityService
from trigger_service.quotas import FORMS
from trigger_service.store import definitions
from trigger_service.tokens import hash_token, new_token


class FormView(FormSpec):
    """A form. `path` is its public address: GET shows it, POST submits it."""

    code: str
    path: str


def router(database: Database, entity: EntityService, clock: Clock) -> APIRouter:
    """Forms: written by authors, read by everyone of the tenant."""
    routes = APIRouter(prefix="/v1/forms", tags=["forms"])

    @routes.put("/{code}", responses={201: {"model": FormView}})
    async def put_form(
        code: Code, spec: FormSpec, response: Response, caller: Caller = require(Role.AUTHOR)
    ) -> FormView:
        form = Form(code=code, token=new_token(), spec=spec)
        if not spec.archived:
            form = _checked(form, await entity.schema(caller.tenant))
        async with database.transaction(caller.tenant) as tx:
            former = await definitions.form(tx, caller.tenant, code)
            if former is None:
                await check(tx, caller.tenant, FORMS)
            elif spec.archived:  # what was submitted before is still judged
                form = form.model_copy(update={"item_fields": former.item_fields})
            form, created = await definitions.put_form(tx, caller.tenant, form, clock())
            await definitions.put_address(tx, "form", caller.tenant, code, hash_token(form.token))
            await record(tx, caller, "form", code, former and former.spec, spec)
        response.status_code = 201 if created else 200
        return _view(form)

    @routes.get("/{code}")
    async def get_form(code: Code, caller: Caller = require(Role.VIEWER)) -> FormView:
        async with database.transaction(caller.tenant) as tx:
            form = await definitions.form(tx, caller.tenant, code)
        if form is None:
            raise not_found(f"form {code!r}")
        return _view(form)

    @routes.get("")
    async def list_forms(caller: Caller = require(Role.VIEWER)) -> Page[FormView]:
        async with database.transaction(caller.tenant) as tx:
            forms = await definitions.forms(tx, caller.tenant)
        return Page(items=[_view(form) for form in forms])

    return routes


def _checked(form: Form, schema: TenantSchema) -> Form:
    """With what the tenant's schema says of it; raises `InvalidInputError`."""
    found = {"responsible_id": check_form(form.spec, schema), "item_fields": item_fields(form.spec, schema.fields)}
    return form.model_copy(update=found)


def _view(form: Form) -> FormView:
    return FormView(code=form.code, path=f"/f/{form.token}", **form.spec.model_dump())
