"""`/v1/variables` and `/v1/constants`: their definitions, and the values that people set."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.broker import OutageError
from contracts.kit.http import Cursor, Limit, Page, Problem, bad_input, decode_cursor, not_found
from contracts.kit.service import Service
from rule_engine.application.defining import Defining, InvalidDefinitionError, UndefinedError
from rule_engine.domain.actions import RuleType
from rule_engine.domain.language.variables import ConstantDocument, Definition, Group, Name, VariableDocument
from rule_engine.gateway import EntityService
from rule_engine.store.rule_sets import RuleSets

CodePath = Annotated[Name, Path(description="the author-given code, a name in texts and expressions")]
DryRun = Annotated[bool, Query(description="only say what stands in the way; change nothing")]
Item = Annotated[UUID | None, Query(description="whose value, where each item has one")]


class ConstantView(ConstantDocument):
    """A constant."""

    code: str


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


class VariableInput(Input, VariableDocument):
    """A variable to define."""


class ConstantInput(Input, ConstantDocument):
    """A constant to define."""


def router(
    service: Service, entity_service: EntityService, rule_sets: RuleSets, registry: Mapping[str, RuleType[Any]]
) -> APIRouter:
    """`/v1/variables` and `/v1/constants`."""
    routes = APIRouter(tags=["variables"])
    defining = Defining(service.database, rule_sets, entity_service, registry, service.clock)

    @routes.put("/v1/variables/{code}")
    async def put_variable(
        code: CodePath, body: VariableInput, dry_run: DryRun = False, caller: Caller = require(Role.AUTHOR)
    ) -> VariableView:
        """Defines a variable, or changes it when every value and every rule that names it fits. Its values stay."""
        async with _answering():
            document = VariableDocument(**body.model_dump())
            put = await defining.put(
                caller.tenant, Definition("variable", code, document), caller.subject, dry_run=dry_run
            )
        return _variable(put)

    @routes.get("/v1/variables/{code}")
    async def get_variable(code: CodePath, caller: Caller = require(Role.VIEWER)) -> VariableView:
        """One variable."""
        async with _answering():
            return _variable(await defining.get(caller.tenant, "variable", code))

    @routes.get("/v1/variables")
    async def variables(
        cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[VariableView]:
        """All variables by code, archived ones too."""
        found = await _found(defining, caller.tenant, "variable", cursor, limit)
        return Page[VariableView].of(found, limit, key=lambda one: (one.code,), show=_variable)

    @routes.put("/v1/variables/{code}/value")
    async def put_value(
        code: CodePath, body: ValueInput, item: Item = None, caller: Caller = require(Role.OPERATOR)
    ) -> ValueView:
        """Sets the variable's value for all, or for an item."""
        async with _answering():
            return ValueView(value=await defining.set(caller.tenant, code, item, body.value, caller.subject))

    @routes.get("/v1/variables/{code}/value")
    async def get_value(code: CodePath, item: Item = None, caller: Caller = require(Role.VIEWER)) -> ValueView:
        """The variable's value now, for all or for an item."""
        async with _answering():
            return ValueView(value=await defining.value(caller.tenant, code, item))

    @routes.put("/v1/constants/{code}")
    async def put_constant(
        code: CodePath, body: ConstantInput, dry_run: DryRun = False, caller: Caller = require(Role.AUTHOR)
    ) -> ConstantView:
        """Defines a constant, or changes it when every rule that names it fits."""
        document = VariableDocument(**body.model_dump())
        async with _answering():
            put = await defining.put(
                caller.tenant, Definition("constant", code, document), caller.subject, dry_run=dry_run
            )
        return _constant(put)

    @routes.get("/v1/constants/{code}")
    async def get_constant(code: CodePath, caller: Caller = require(Role.VIEWER)) -> ConstantView:
        """One constant."""
        async with _answering():
            return _constant(await defining.get(caller.tenant, "constant", code))

    @routes.get("/v1/constants")
    async def constants(
        cursor: Cursor = None, limit: Limit = 50, caller: Caller = require(Role.VIEWER)
    ) -> Page[ConstantView]:
        """All constants by code, archived ones too."""
        found = await _found(defining, caller.tenant, "constant", cursor, limit)
        return Page[ConstantView].of(found, limit, key=lambda one: (one.code,), show=_constant)

    return routes


def _variable(definition: Definition) -> VariableView:
    return VariableView(code=definition.code, **definition.document.model_dump())


def _constant(definition: Definition) -> ConstantView:
    return ConstantView(code=definition.code, **definition.document.model_dump(exclude={"scope"}))


async def _found(defining: Defining, tenant: UUID, group: Group, cursor: str | None, limit: int) -> list[Definition]:
    (after,) = decode_cursor(cursor, tuple[str]) or ("",)
    return await defining.page(tenant, group, after, limit + 1)


@asynccontextmanager
async def _answering() -> AsyncGenerator[None]:
    """What defining refuses, as problems."""
    try:
        yield
    except UndefinedError as error:
        raise not_found(str(error)) from error
    except InvalidDefinitionError as error:
        raise bad_input("it cannot be changed like this; nothing was changed", *error.issues) from error
    except OutageError as error:
        detail = "entity-service, which rules are checked against, is away"
        raise Problem(503, "Unavailable", detail, headers={"Retry-After": "2"}) from error
