"""`/v1/employees/{id}/triggers`: which triggers and forms name an employee."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from trigger_service.store import forms, triggers


class NamingEntry(BaseModel):
    """A trigger that moves items in the employee's name, or a form whose new items become theirs."""

    code: str
    kind: Literal["trigger", "form"]
    name: str
    where: Literal["change_stage_as", "responsible"]


def router(database: Database) -> APIRouter:
    """For everybody."""
    routes = APIRouter(tags=["triggers"])

    @routes.get("/v1/employees/{id}/triggers")
    async def list_triggers(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[NamingEntry]:
        """The triggers that are not archived and the forms that name the employee, by code."""
        async with database.transaction(caller.tenant) as tx:
            moves = await triggers.naming(tx, caller.tenant, id)
            owns = await forms.naming(tx, caller.tenant, id)
        entries = [
            *(NamingEntry(code=one.code, kind="trigger", name=one.spec.name, where="change_stage_as") for one in moves),
            *(NamingEntry(code=one.code, kind="form", name=one.spec.name, where="responsible") for one in owns),
        ]
        after = paging.after(tuple[str, str])
        rest = [one for one in sorted(entries, key=_place) if after is None or _place(one) > after]
        return paging.page(rest[: paging.rows], _place, lambda one: one)

    return routes


def _place(entry: NamingEntry) -> tuple[str, str]:
    return entry.code, entry.kind
