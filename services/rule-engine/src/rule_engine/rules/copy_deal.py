"""A rule that copies the deal."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.item_types import TypeFilter
from contracts.messages.entity_commands import CopyItem
from contracts.values import Code
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    Outputs,
    Params,
    Place,
    RuleType,
    Title,
)
from rule_engine.rules.places import place_issues, place_of, stage_issues


class CopyDealParams(Params):
    name: Title | None = None
    """By default the deal's name and "Copy", in the tenant's language."""
    pipeline: Code | None = None
    """By default the deal's own."""
    stage: Code | None = None
    """By default the pipeline's first stage."""
    responsible: Employee | None = None
    """Code of an employee; by default the deal's responsible person."""


class CopiedDeal(Outputs):
    """The new deal."""

    deal_id: UUID


class CopyDeal(RuleType[CopyDealParams]):
    """A copy of a deal with all its field values, client and products."""

    type = "copy_deal"
    title = "Copy the deal"
    group: ClassVar[Group] = "repeat_sales"
    kinds: ClassVar[tuple[TypeFilter, ...]] = ("deal",)
    params = CopyDealParams
    outputs = CopiedDeal

    def act(self, params: CopyDealParams, acting: ActionContext) -> CopyItem:
        return acting.command(
            CopyItem,
            title=params.name,
            pipeline=params.pipeline or acting.context.item.pipeline,
            stage=params.stage,
            responsible_id=params.responsible,
        )

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"deal_id": result["item_id"]}

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return place_issues(params, context, "deal") if "pipeline" in params else stage_issues(params, context.pipeline)

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        return place_of(params, context, "deal", context.pipeline)


RULES: tuple[RuleType[Any], ...] = (CopyDeal(),)
