"""A rule that opens a repeat lead."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.item_types import TypeFilter
from contracts.messages.entity_commands import CreateFollowUp
from contracts.values import Code
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    Label,
    Outputs,
    Params,
    Place,
    RuleType,
    Title,
)
from rule_engine.rules.places import place_issues, place_of


class CreateRepeatLeadParams(Params):
    name: Title
    responsible: Employee | None = None
    """Code of an employee; by default the deal's responsible person."""
    source: Label | None = None
    pipeline: Code | None = None
    """By default the first pipeline for leads."""
    stage: Code | None = None
    """By default the pipeline's first stage."""


class CreatedLead(Outputs):
    """The lead."""

    lead_id: UUID


class CreateRepeatLead(RuleType[CreateRepeatLeadParams]):
    """A new lead for the client of a deal."""

    type = "create_repeat_lead"
    title = "Create a repeat lead"
    group: ClassVar[Group] = "repeat_sales"
    kinds: ClassVar[tuple[TypeFilter, ...]] = ("deal",)
    params = CreateRepeatLeadParams
    outputs = CreatedLead

    def act(self, params: CreateRepeatLeadParams, acting: ActionContext) -> CreateFollowUp:
        deal = acting.context.item
        return acting.command(
            CreateFollowUp,
            kind="lead",
            title=params.name,
            pipeline=params.pipeline,
            stage=params.stage,
            responsible_id=params.responsible or deal.responsible_id,
            contact_ids=deal.contact_ids,
            company_id=deal.company_id,
            source=params.source,
        )

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"lead_id": result["item_id"]}

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return place_issues(params, context, "lead")

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        return place_of(params, context, "lead", None)


RULES: tuple[RuleType[Any], ...] = (CreateRepeatLead(),)
