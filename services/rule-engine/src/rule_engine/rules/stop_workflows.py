"""A rule that ends workflows."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.rule_commands import StopWorkflows
from contracts.values import Code
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Outputs, Params, RuleType
from rule_engine.rules.start_workflow import workflow_issues


class StopWorkflowsParams(Params):
    workflow: Code | None = None
    """Code of the workflow whose runs end; by default those of all workflows."""


class Stopped(Outputs):
    """How many runs it has stopped."""

    stopped: int


class StopWorkflowsRule(RuleType[StopWorkflowsParams]):
    """Ends the workflows that run on the item, but for the one that the rule is in itself."""

    type = "stop_workflows"
    title = "Stop workflows"
    group: ClassVar[Group] = "workflows"
    names = "workflows"
    params = StopWorkflowsParams
    outputs = Stopped

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return workflow_issues(params, context)

    def act(self, params: StopWorkflowsParams, acting: ActionContext) -> StopWorkflows:
        return StopWorkflows(
            item_id=acting.context.item.id,
            workflow=params.workflow,
            except_run=acting.run_id,
            reason=stopped_by(acting),
        )


def stopped_by(acting: ActionContext) -> str:
    return f"stopped by {acting.actor}"


RULES: tuple[RuleType[Any], ...] = (StopWorkflowsRule(),)
