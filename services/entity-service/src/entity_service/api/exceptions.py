"""`/v1/exceptions`: phone numbers and e-mail addresses that make no items any more."""

from fastapi import APIRouter, Response

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page, not_found
from contracts.kit.routes import Paged
from contracts.kit.service import Service
from contracts.texts import Line
from entity_service import store
from entity_service.api.responses import actor_of
from entity_service.application import Changes
from entity_service.domain.exceptions import ExceptedAddress, one_form


class ExceptionInput(Input):
    """Why the address is on the list, for people."""

    note: Line = ""


def router(service: Service, changes: Changes) -> APIRouter:
    """For agents, since the list holds addresses of people."""
    routes = APIRouter(prefix="/v1/exceptions", tags=["clients"])

    @routes.put("/{address:path}")
    async def put_exception(
        address: str, body: ExceptionInput, caller: Caller = require(Role.AGENT)
    ) -> ExceptedAddress:
        """From now on no form makes an item of somebody with this phone number or e-mail address."""
        kept = one_form(address)
        async with service.database.transaction(caller.tenant) as tx:
            return await changes.exceptions.put(tx, caller.tenant, kept, body.note, actor_of(caller))

    @routes.delete("/{address:path}", status_code=204)
    async def delete_exception(address: str, caller: Caller = require(Role.AGENT)) -> Response:
        """From now on the address makes items again."""
        async with service.database.transaction(caller.tenant) as tx:
            if not await store.exceptions.delete(tx, caller.tenant, one_form(address)):
                raise not_found("such address on the list")
        return Response(status_code=204)

    @routes.get("")
    async def list_exceptions(paging: Paged, caller: Caller = require(Role.AGENT)) -> Page[ExceptedAddress]:
        """By address."""
        async with service.database.transaction(caller.tenant) as tx:
            kept = await store.exceptions.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(kept, lambda one: (one.address,), lambda one: one)

    return routes
