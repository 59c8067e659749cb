"""`/v1/forms`: what authors define; the public side is in `public_forms`."""

from fastapi import APIRouter, Response

from contracts.contexts import TenantSchema
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.values import Code
from trigger_service.domain.checks import check_form
from trigger_service.domain.forms import Form, FormSpec
from trigger_service.domain.targets import item_fields
from trigger_service.gateways.entity import EntityService
from trigger_service.quotas import FORMS
from trigger_service.store import forms, public_addresses
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
            before = await forms.find(tx, caller.tenant, code)
            if before is not None and spec.archived:  # what was submitted before is still judged
                form = form.model_copy(update={"item_fields": before.item_fields})
            await record_put(tx, caller, "form", code, before and before.spec, spec, quota=FORMS)
            form, created = await forms.save(tx, caller.tenant, form, clock())
            await public_addresses.save(tx, "form", caller.tenant, code, hash_token(form.token))
        response.status_code = 201 if created else 200
        return _view(form)

    @routes.get("/{code}")
    async def get_form(code: Code, caller: Caller = require(Role.VIEWER)) -> FormView:
        async with database.transaction(caller.tenant) as tx:
            return _view(found(await forms.find(tx, caller.tenant, code), f"form {code!r}"))

    @routes.get("")
    async def list_forms(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[FormView]:
        """By code; archived ones too."""
        async with database.transaction(caller.tenant) as tx:
            entries = await forms.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(entries, lambda one: (one.code,), _view)

    return routes


def _checked(form: Form, schema: TenantSchema) -> Form:
    """With the employee and the fields of the tenant's schema that it names; raises `InvalidInputError`."""
    found = {"responsible_id": check_form(form.spec, schema), "item_fields": item_fields(form.spec, schema.fields)}
    return form.model_copy(update=found)


def _view(form: Form) -> FormView:
    return FormView(code=form.code, path=f"/f/{form.token}", **form.spec.model_dump())
