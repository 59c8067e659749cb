"""`/v1/block-types` and `/v1/workflow-schema`: which blocks there are, and what an editor needs to check a workflow."""

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.workflow_schema import options_schema, workflow_schema
from rule_engine.domain.execution.blocks import BlockType


class BlockTypeView(BaseModel):
    """One type of block. `inside` says what it holds: nothing, one body (`blocks`), or branches, maybe with names."""

    block: str
    title: str
    description: str
    inside: Literal["nothing", "body", "branches"]
    branches: tuple[str, ...]
    """The names of its branches, where those are given."""
    options: dict[str, Any]


def router(types: Mapping[str, BlockType[Any]], registry: Mapping[str, RuleType[Any]]) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1", tags=["workflows"])

    @cache
    def catalogue() -> list[BlockTypeView]:
        return [_view(types[name]) for name in sorted(types) if types[name].written]

    @cache
    def schema() -> dict[str, Any]:
        """Made when it is first asked for, not at each start: it takes a second."""
        return workflow_schema(types, registry)

    @routes.get("/block-types")
    async def list_block_types(paging: Paged, _: Caller = require(Role.VIEWER)) -> Page[BlockTypeView]:
        """Every type of block, by name; `action`, which is any rule, is described by `/v1/rule-types`."""
        rest = [one for one in catalogue() if one.block > paging.code]
        return paging.page(rest[: paging.rows], lambda one: (one.block,), lambda one: one)

    @routes.get("/workflow-schema")
    async def get_workflow_schema(_: Caller = require(Role.VIEWER)) -> dict[str, Any]:
        """The JSON Schema (2020-12) of a workflow, with the options of every block and the parameters of every rule."""
        return await asyncio.to_thread(schema)

    return routes


def _view(type: BlockType[Any]) -> BlockTypeView:
    fixed = type.branches if isinstance(type.branches, tuple) else ()
    holds: Literal["nothing", "body", "branches"] = "branches"
    if type.branches in ("none", "body"):
        holds = "nothing" if type.branches == "none" else "body"
    return BlockTypeView(
        block=type.type,
        title=type.title,
        description=type.__doc__ or "",
        inside=holds,
        branches=fixed,
        options=options_schema(type),
    )
