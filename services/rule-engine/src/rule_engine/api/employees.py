"""`/v1/employees/{id}/rules`, `…/workflows`: which rules, and which blocks of workflows, name an employee."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.domain.authoring.employee_refs import named_in, permitted_in
from rule_engine.domain.execution.program import Program
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.workflows import Workflows


class NamingRule(BaseModel):
    """A rule in force that names an employee, and where: `params.assignee`, `condition.value`."""

    rule_set: str
    stage: str
    rule: str
    where: str


class _Place(NamedTuple):
    """The sort key."""

    rule_set: str
    stage: str
    rule: str
    where: str


class NamingBlock(BaseModel):
    """A block of a workflow in force that names an employee, and where: `voters[0]`, of actions `params.assignee`; with
    an empty `block` it is the workflow itself: `permissions.start.employees[0]`.
    """

    workflow: str
    block: str
    where: str


class _BlockPlace(NamedTuple):
    """The sort key."""

    workflow: str
    block: str
    where: str


def router(database: Database, rule_sets: RuleSets, workflows: Workflows) -> APIRouter:
    """For everybody."""
    routes = APIRouter(tags=["rule sets"])

    @routes.get("/v1/employees/{id}/rules")
    async def list_rules(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[NamingRule]:
        """The rules of newest published and tried versions that name the employee by id or code, archived or not."""
        async with database.transaction(caller.tenant) as tx:
            naming = await rule_sets.naming(tx, caller.tenant, str(id))
        after = paging.after(_Place)
        places = sorted({place for code, stages in naming for place in _places(code, stages, id)})
        rest = [place for place in places if after is None or place > after]
        return paging.page(rest[: paging.rows], lambda place: place, lambda place: NamingRule(**place._asdict()))

    @routes.get("/v1/employees/{id}/workflows")
    async def list_blocks(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[NamingBlock]:
        """The blocks of newest published and tried versions that name the employee by id or code, archived or not."""
        async with database.transaction(caller.tenant) as tx:
            naming = await workflows.naming(tx, caller.tenant, str(id))
        after = paging.after(_BlockPlace)
        places = sorted({place for code, program in naming for place in _block_places(code, program, id)})
        rest = [place for place in places if after is None or place > after]
        return paging.page(rest[: paging.rows], lambda place: place, lambda place: NamingBlock(**place._asdict()))

    return routes


def _places(code: str, stages: Mapping[str, Sequence[Program]], employee: UUID) -> Iterator[_Place]:
    for stage, programs in stages.items():
        for rule in (rule for program in programs for rule in program.rules()):
            for where in named_in(rule, employee):
                yield _Place(code, stage, rule.name, where)


def _block_places(code: str, program: Program, employee: UUID) -> Iterator[_BlockPlace]:
    for where in permitted_in(program, employee):
        yield _BlockPlace(code, "", where)
    for block in map(program.at, program.positions_of_blocks):
        for where in named_in(block, employee):
            yield _BlockPlace(code, block.name, where)
