"""A rule that starts a workflow."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.issues import Issue, unknown
from contracts.messages.rule_commands import StartWorkflow
from contracts.values import Code
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Outputs, Params, RuleType, literal


class StartWorkflowParams(Params):
    workflow: Code
    item: UUID | None = None
    """Id of the item that it runs on; by default the rule's own."""
    parameters: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """Those that are left out have their defaults."""
    wait_for_end: bool = False
    """Whether the rule is done only when the workflow has ended. It fails when the workflow has not ended well."""


class StartedWorkflow(Outputs):
    """The run, and, if it was waited for, how it ended and its variables at the end."""

    workflow_id: UUID
    outcome: str | None = None
    status: str | None = None
    variables: dict[str, JsonValue] = Field(default_factory=dict)


class StartWorkflowRule(RuleType[StartWorkflowParams]):
    """Starts the newest published version of a workflow. Refused when workflows start each other in a circle."""

    type = "start_workflow"
    title = "Start a workflow"
    group: ClassVar[Group] = "workflows"
    names = "workflows"
    params = StartWorkflowParams
    outputs = StartedWorkflow

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return workflow_issues(params, context)

    def act(self, params: StartWorkflowParams, acting: ActionContext) -> StartWorkflow:
        return StartWorkflow(
            item_id=params.item or acting.context.item.id,
            workflow=params.workflow,
            parameters=params.parameters,
            wait_for_end=params.wait_for_end,
            started_by=acting.actor,
        )

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"workflow_id": result["run_id"]} | super().outputs_of(result)


def workflow_issues(params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    code, known = literal(params.get("workflow")), context.elsewhere.workflows
    if code is not None and known is not None and code not in known:
        yield Issue("workflow", unknown("published workflow", code, known))


RULES: tuple[RuleType[Any], ...] = (StartWorkflowRule(),)
