"""`/v1/fields`: the custom fields of the types of items. Archived, never deleted."""

from typing import Annotated

from fastapi import APIRouter, Query

from contracts.field_values import FieldFields
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.values import Code, ItemKind
from entity_service import store
from entity_service.domain.fields import CustomField, check_replacement
from entity_service.quotas import DEFINITIONS


class FieldInput(FieldFields, Input):
    """A custom field; `options` exactly for the type list."""

    archived: bool = False


def router(service: Service) -> APIRouter:
    """Everybody may read; authors may write."""
    routes = APIRouter(prefix="/v1/fields", tags=["settings"])

    @routes.put("/{kind}/{code}")
    async def put_field(
        kind: ItemKind, code: Code, body: FieldInput, caller: Caller = require(Role.AUTHOR)
    ) -> CustomField:
        """Creates or replaces a custom field; its type stays."""
        wanted = CustomField(code=code, kind=kind, **dict(body))
        async with service.database.transaction(caller.tenant) as tx:
            await store.item_types.require(tx, caller.tenant, kind)
            before = await store.fields.find(tx, caller.tenant, kind, code)
            check_replacement(before, wanted)
            await record_put(tx, caller, "field", f"{kind}/{code}", before, wanted, quota=DEFINITIONS)
            await store.fields.save(tx, caller.tenant, wanted)
        return wanted

    @routes.get("/{kind}/{code}")
    async def get_field(kind: ItemKind, code: Code, caller: Caller = require(Role.VIEWER)) -> CustomField:
        async with service.database.transaction(caller.tenant) as tx:
            field = await store.fields.find(tx, caller.tenant, kind, code)
        return found(field, f"field {code!r} of items of kind {kind}")

    @routes.get("")
    async def list_fields(
        paging: Paged, kind: Annotated[ItemKind | None, Query()] = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[CustomField]:
        """By kind and code; archived ones too."""
        after = paging.after(tuple[str, str]) or ("", "")
        async with service.database.transaction(caller.tenant) as tx:
            fields = await store.fields.page(tx, caller.tenant, kind, after, paging.rows)
        return paging.page(fields, lambda field: (field.kind, field.code), lambda field: field)

    return routes
