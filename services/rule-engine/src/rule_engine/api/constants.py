"""`/v1/constants`: their definitions, with their values."""

from fastapi import APIRouter

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.api.definitions import CodePath, DryRun, refusals_as_problems
from rule_engine.application.variables import Defining
from rule_engine.domain.language.variables import ConstantDocument, Definition, VariableDocument


class ConstantInput(Input, ConstantDocument):
    """A constant to define."""


class ConstantView(ConstantDocument):
    """A constant."""

    code: str


def router(defining: Defining) -> APIRouter:
    """Everybody may read; authors may write."""
    routes = APIRouter(prefix="/v1/constants", tags=["variables"])

    @routes.put("/{code}")
    async def put_constant(
        code: CodePath, body: ConstantInput, dry_run: DryRun = False, caller: Caller = require(Role.AUTHOR)
    ) -> ConstantView:
        """Defines a constant, or changes it when every rule that names it fits."""
        wanted = Definition("constant", code, VariableDocument(**body.model_dump()))
        async with refusals_as_problems():
            return _view(await defining.put(caller, wanted, dry_run=dry_run))

    @routes.get("/{code}")
    async def get_constant(code: CodePath, caller: Caller = require(Role.VIEWER)) -> ConstantView:
        """One constant."""
        async with refusals_as_problems():
            return _view(await defining.get(caller.tenant, "constant", code))

    @routes.get("")
    async def list_constants(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[ConstantView]:
        """All constants by code, archived ones too."""
        constants = await defining.page(caller.tenant, "constant", paging.code, paging.rows)
        return paging.page(constants, lambda one: (one.code,), _view)

    return routes


def _view(definition: Definition) -> ConstantView:
    return ConstantView(code=definition.code, **definition.document.model_dump(exclude={"scope"}))
