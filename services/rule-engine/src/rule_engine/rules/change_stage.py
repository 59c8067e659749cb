"""A rule that moves the item to another stage."""

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
    Outputs,
    Params,
    RuleType,
)
from rule_engine.rules.places import stage_issues


class ChangeStageParams(Params):
    stage: Code
    changed_by: Employee | None = None
    """Code of the employee who is to be named as the one who did it; by default the rule."""


class ChangedStage(Outputs):
    """`moved`, or why the item stayed: `same`."""

    verdict: str
    stage: str


class ChangeStage(RuleType[ChangeStageParams]):
    """Moves the item to another stage of its pipeline, unless it has moved on meanwhile."""

    type = "change_stage"
    title = "Change the stage"
    group: ClassVar[Group] = "items"
    moves_to = "stage"
    params = ChangeStageParams
    outputs = ChangedStage

    def act(self, params: ChangeStageParams, acting: ActionContext) -> MoveItem:
        return acting.command(
            MoveItem,
            candidates=(MoveCandidate(stage=params.stage),),
            expect_entry_seq=acting.entry_seq,
            actor=acting.actor_for(params.changed_by),
        )

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return stage_issues(params, context.pipeline)


RULES: tuple[RuleType[Any], ...] = (ChangeStage(),)
