"""`/v1/rule-types`: what rules there are, with the JSON Schemas of their parameters and outputs."""

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.item_types import ItemPart, TypeFilter
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.domain.actions import Group, RuleType


class RuleTypeView(BaseModel):
    """One type, for items of `kinds` that may have `of_parts`; the kind `custom` stands for every type of one's own.

    In the schema of `params`, `refers` marks what takes the code of an `employee`, `item type`, `room`,
    `resource` or `list`.
    """

    type: str
    version: int
    title: str
    description: str
    group: Group
    kinds: tuple[TypeFilter, ...]
    of_parts: tuple[ItemPart, ...]
    helper: bool
    params: dict[str, Any]
    outputs: dict[str, Any]


def router(registry: Mapping[str, RuleType[Any]]) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/rule-types", tags=["rule types"])

    @cache
    def catalogue() -> list[RuleTypeView]:
        """Made when it is first asked for, not at each start: it takes a second."""
        return [_view(registry[name]) for name in sorted(registry)]

    @routes.get("")
    async def list_rule_types(paging: Paged, _: Caller = require(Role.VIEWER)) -> Page[RuleTypeView]:
        """Every rule type, by name. Any parameter may also be given as a Liquid text or as `{"path": …}`."""
        rest = [one for one in await asyncio.to_thread(catalogue) if one.type > paging.code]
        return paging.page(rest[: paging.rows], lambda one: (one.type,), lambda one: one)

    return routes


def _view(rule_type: RuleType[Any]) -> RuleTypeView:
    return RuleTypeView(
        type=rule_type.type,
        version=rule_type.version,
        title=rule_type.title,
        description=rule_type.__doc__ or "",
        group=rule_type.group,
        kinds=rule_type.kinds,
        of_parts=rule_type.of_parts,
        helper=rule_type.helper,
        params=rule_type.params.model_json_schema(),
        outputs=rule_type.outputs.model_json_schema(mode="serialization"),
    )
