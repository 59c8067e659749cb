"""A rule that moves the item to another pipeline."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.entity_commands import MoveCandidate, MoveItem
from contracts.values import Code
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Group,
    Params,
    Place,
    RuleType,
)
from rule_engine.rules.change_stage import ChangedStage
from rule_engine.rules.places import place_issues, place_of


class ChangePipelineParams(Params):
    pipeline: Code
    """Another pipeline for items of this kind."""
    stage: Code
    """The stage of that pipeline."""
    changed_by: Employee | None = None
    """Code of the employee who is to be named as the one who did it; by default the rule."""


class ChangedPipeline(ChangedStage):
    """`moved`, or why the item stayed: `same`."""

    pipeline: str


class ChangePipeline(RuleType[ChangePipelineParams]):
    """Moves the item to a stage of another pipeline, unless it has moved on meanwhile."""

    type = "change_pipeline"
    title = "Change the pipeline"
    group: ClassVar[Group] = "items"
    moves_to = "stage"
    params = ChangePipelineParams
    outputs = ChangedPipeline

    def act(self, params: ChangePipelineParams, acting: ActionContext) -> MoveItem:
        return acting.command(
            MoveItem,
            candidates=(MoveCandidate(pipeline=params.pipeline, stage=params.stage),),
            expect_entry_seq=acting.entry_seq,
            actor=acting.actor_for(params.changed_by),
        )

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return place_issues(params, context, context.pipeline.kind)

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        return place_of(params, context, context.pipeline.kind, None)


RULES: tuple[RuleType[Any], ...] = (ChangePipeline(),)
