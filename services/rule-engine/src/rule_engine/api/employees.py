"""`/v1/employees/{id}/rules`: which rules name an employee."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from rule_engine.domain.authoring.employee_refs import named_in
from rule_engine.domain.execution.program import Program
from rule_engine.store.rule_sets import RuleSets


class NamingRule(BaseModel):
    """A rule in force that names an employee, and where: `params.assignee`, `condition.value`."""

    rule_set: str
    stage: str
    rule: str
    where: str


class NamingRules(BaseModel):
    """All of them, by rule set and stage."""

    items: list[NamingRule]


def router(database: Database, rule_sets: RuleSets) -> APIRouter:
    """`/v1/employees/{id}/rules`."""
    routes = APIRouter(tags=["rule sets"])

    @routes.get("/v1/employees/{id}/rules")
    async def rules(id: UUID, caller: Caller = require(Role.VIEWER)) -> NamingRules:
        """The rules of newest published versions that name the employee by id or code, archived or not."""
        async with database.transaction(caller.tenant) as tx:
            found = await rule_sets.naming(tx, caller.tenant, str(id))
        return NamingRules(items=[one for code, stages in found.items() for one in _naming(code, stages, id)])

    return routes


def _naming(code: str, stages: Mapping[str, Sequence[Program]], employee: UUID) -> Iterator[NamingRule]:
    for stage, programs in stages.items():
        for rule in (rule for program in programs for rule in program.rules()):
            for where in named_in(rule, employee):
                yield NamingRule(rule_set=code, stage=stage, rule=rule.name, where=where)
