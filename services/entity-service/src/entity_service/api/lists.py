"""`/v1/lists`: lists whose fields authors define, archived and never deleted; and their rows."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from contracts.field_values import FieldFields, ListField
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.quotas import check
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.list_commands import RowValues
from contracts.texts import Name
from contracts.values import Code
from entity_service import store
from entity_service.api.responses import create_once, created
from entity_service.application import Changes
from entity_service.domain.errors import NotFoundError
from entity_service.domain.lists import KeptList, ListRow, check_replacement
from entity_service.quotas import DEFINITIONS, LIST_ROWS


class ListFieldInput(FieldFields, Input):
    """A field of the list's rows."""

    code: Code
    archived: bool = False


class ListInput(Input):
    """A list of rows that have the same fields."""

    title: Name
    fields: Annotated[tuple[ListFieldInput, ...], Field(min_length=1, max_length=100)]
    archived: bool = False


class RowInput(Input):
    """Values by the codes of fields; in a change, what is left out stays as it is, and null empties a field."""

    values: RowValues


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; authors may write lists, agents rows."""
    routes = APIRouter(prefix="/v1/lists", tags=["lists"])
    _add_lists(routes, service)
    _add_rows(routes, service, changes)
    _add_changes_of_rows(routes, service, changes)
    return routes


def _add_lists(routes: APIRouter, service: Service) -> None:
    @routes.put("/{code}")
    async def put_list(code: Code, body: ListInput, caller: Caller = require(Role.AUTHOR)) -> KeptList:
        """Creates or replaces a list. Its fields keep their types; one that is not wanted any more is archived."""
        fields = tuple(ListField(**dict(one)) for one in body.fields)
        wanted = KeptList(code=code, title=body.title, fields=fields, archived=body.archived)
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.lists.lock(tx, caller.tenant, code)
            check_replacement(before, wanted)
            await record_put(tx, caller, "list", code, before, wanted, quota=DEFINITIONS)
            await store.lists.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{code}")
    async def get_list(code: Code, caller: Caller = require(Role.VIEWER)) -> KeptList:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.lists.find(tx, caller.tenant, code), f"list {code!r}")

    @routes.get("")
    async def list_lists(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[KeptList]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.lists.page(tx, caller.tenant, paging.code, paging.rows))


def _add_rows(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.post("/{code}/rows", status_code=201, response_model=ListRow)
    async def add_row(request: Request, code: Code, body: RowInput, caller: Caller = require(Role.AGENT)) -> Response:
        """Adds a row."""

        async def create(tx: Connection) -> Response:
            await check(tx, caller.tenant, LIST_ROWS)
            return created(await changes.lists.add(tx, caller.tenant, code, body.values, caller.subject))

        return await create_once(service, request, caller, create)

    @routes.get("/{code}/rows")
    async def list_rows(code: Code, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[ListRow]:
        """Newest first."""
        async with service.database.transaction(caller.tenant) as tx:
            found(await store.lists.find(tx, caller.tenant, code), f"list {code!r}")
            return paging.by_id(await store.lists.rows(tx, caller.tenant, code, paging.id, paging.rows))

    @routes.get("/{code}/rows/{id}")
    async def get_row(code: Code, id: UUID, caller: Caller = require(Role.VIEWER)) -> ListRow:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.lists.find_row(tx, caller.tenant, code, id), f"row {id} in list {code!r}")


def _add_changes_of_rows(routes: APIRouter, service: Service, changes: Changes) -> None:
    @routes.patch("/{code}/rows/{id}")
    async def patch_row(code: Code, id: UUID, body: RowInput, caller: Caller = require(Role.AGENT)) -> ListRow:
        """Changes what is named."""
        async with service.database.transaction(caller.tenant) as tx:
            return await changes.lists.change(tx, caller.tenant, code, id, body.values)

    @routes.delete("/{code}/rows/{id}", status_code=204)
    async def delete_row(code: Code, id: UUID, caller: Caller = require(Role.AGENT)) -> None:
        async with service.database.transaction(caller.tenant) as tx:
            if not await store.lists.delete_row(tx, caller.tenant, code, id):
                raise NotFoundError(f"row {id} in list {code!r}")
