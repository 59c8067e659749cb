"""`/v1/variables`: their definitions, and the values that people set."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.api.definitions import CodePath, DryRun, refusals_as_problems
from rule_engine.application.variables import Defining
from rule_engine.domain.language.variables import Definition, VariableDocument

Item = Annotated[UUID | None, Query(description="whose value, where each item has one")]


class VariableInput(Input, VariableDocument):
    """A variable to define."""


class VariableView(VariableDocument):
    """A variable; `value` is what it is until it is set."""

    code: str


class ValueInput(Input):
    """A variable's value."""

    model_config = ConfigDict(extra="forbid")

    value: JsonValue = None


class ValueView(BaseModel):
    """A variable's value."""

    value: JsonValue


def router(defining: Defining) -> APIRouter:
    """Everybody may read; authors define, operators set values."""
    routes = APIRouter(prefix="/v1/variables", tags=["variables"])
    _add_definitions(routes, defining)
    _add_values(routes, defining)
    return routes


def _add_definitions(routes: APIRouter, defining: Defining) -> None:
    @routes.put("/{code}")
    async def put_variable(
        code: CodePath, body: VariableInput, dry_run: DryRun = False, caller: Caller = require(Role.AUTHOR)
    ) -> VariableView:
        """Defines a variable, or changes it when every value and every rule that names it fits. Its values stay."""
        wanted = Definition("variable", code, VariableDocument(**body.model_dump()))
        async with refusals_as_problems():
            return _view(await defining.put(caller, wanted, dry_run=dry_run))

    @routes.get("/{code}")
    async def get_variable(code: CodePath, caller: Caller = require(Role.VIEWER)) -> VariableView:
        """One variable."""
        async with refusals_as_problems():
            return _view(await defining.get(caller.tenant, "variable", code))

    @routes.get("")
    async def list_variables(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[VariableView]:
        """All variables by code, archived ones too."""
        variables = await defining.page(caller.tenant, "variable", paging.code, paging.rows)
        return paging.page(variables, lambda one: (one.code,), _view)


def _add_values(routes: APIRouter, defining: Defining) -> None:
    @routes.put("/{code}/value")
    async def put_value(
        code: CodePath, body: ValueInput, item: Item = None, caller: Caller = require(Role.OPERATOR)
    ) -> ValueView:
        """Sets the variable's value for all, or for an item."""
        async with refusals_as_problems():
            return ValueView(value=await defining.set(caller, code, item, body.value))

    @routes.get("/{code}/value")
    async def get_value(code: CodePath, item: Item = None, caller: Caller = require(Role.VIEWER)) -> ValueView:
        """The variable's value now, for all or for an item."""
        async with refusals_as_problems():
            return ValueView(value=await defining.value(caller.tenant, code, item))


def _view(definition: Definition) -> VariableView:
    return VariableView(code=definition.code, **definition.document.model_dump())
