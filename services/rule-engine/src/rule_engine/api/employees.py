"""`/v1/employees/{id}/rules`: which rules name an employee."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.domain.authoring.employee_refs import named_in
from rule_engine.domain.execution.program import Program
from rule_engine.store.rule_sets import RuleSets


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


def router(database: Database, rule_sets: RuleSets) -> APIRouter:
    """For everybody."""
    routes = APIRouter(tags=["rule sets"])

    @routes.get("/v1/employees/{id}/rules")
    async def list_rules(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[NamingRule]:
        """The rules of newest published versions that name the employee by id or code, archived or not."""
        async with database.transaction(caller.tenant) as tx:
            naming = await rule_sets.naming(tx, caller.tenant, str(id))
        after = paging.after(_Place)
        places = sorted(place for code, stages in naming.items() for place in _places(code, stages, id))
        rest = [place for place in places if after is None or place > after]
        return paging.page(rest[: paging.rows], lambda place: place, lambda place: NamingRule(**place._asdict()))

    return routes


def _places(code: str, stages: Mapping[str, Sequence[Program]], employee: UUID) -> Iterator[_Place]:
    for stage, programs in stages.items():
        for rule in (rule for program in programs for rule in program.rules()):
            for where in named_in(rule, employee):
                yield _Place(code, stage, rule.name, where)
