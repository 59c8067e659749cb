"""`/v1/rule-types`: what rules there are, with the JSON Schemas of their parameters and outputs."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.values import ItemKind
from rule_engine.domain.actions import Group, RuleType


class RuleTypeView(BaseModel):
    """One type. In the schema of `params`, `refers: employee` marks what takes an employee's code."""

    type: str
    version: int
    title: str
    description: str
    group: Group
    kinds: tuple[ItemKind, ...]
    helper: bool
    params: dict[str, Any]
    outputs: dict[str, Any]


class RuleTypes(BaseModel):
    """The catalogue."""

    items: list[RuleTypeView]


def router(registry: Mapping[str, RuleType[Any]]) -> APIRouter:
    """`/v1/rule-types`."""
    routes = APIRouter(tags=["rule types"])
    catalogue = RuleTypes(items=[_view(rule_type) for rule_type in registry.values()])

    @routes.get("/v1/rule-types")
    async def rule_types(_: Caller = require(Role.VIEWER)) -> RuleTypes:
        """Every rule type. Any parameter may also be given as a Liquid text or as `{"path": …}`."""
        return catalogue

    return routes


def _view(rule_type: RuleType[Any]) -> RuleTypeView:
    return RuleTypeView(
        type=rule_type.type,
        version=rule_type.version,
        title=rule_type.title,
        description=rule_type.__doc__ or "",
        group=rule_type.group,
        kinds=rule_type.kinds,
        helper=rule_type.helper,
        params=rule_type.params.model_json_schema(),
        outputs=rule_type.outputs.model_json_schema(mode="serialization"),
    )
