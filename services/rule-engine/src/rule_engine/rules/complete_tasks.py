"""A rule that completes tasks."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.entity_commands import CompleteTasks
from contracts.values import Code
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Group,
    Outputs,
    Params,
    RuleType,
)
from rule_engine.rules.places import stage_issues


class CompleteTasksParams(Params):
    stage: Code | None = None
    """The stage whose rules made the tasks; by default the rule's own."""


class CompletedTasks(Outputs):
    """How many tasks it has completed."""

    completed: int


class CompleteTasksRule(RuleType[CompleteTasksParams]):
    """Completes the item's open tasks that rules of a stage made."""

    type = "complete_tasks"
    title = "Complete tasks"
    group: ClassVar[Group] = "tasks"
    params = CompleteTasksParams
    outputs = CompletedTasks

    def act(self, params: CompleteTasksParams, acting: ActionContext) -> CompleteTasks:
        return acting.command(CompleteTasks, stage=params.stage or acting.stage)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return stage_issues(params, context.pipeline)


RULES: tuple[RuleType[Any], ...] = (CompleteTasksRule(),)
