"""A rule that plans a task."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import CreateTask
from rule_engine.domain.actions import (
    LONGER_IS_CUT,
    ActionContext,
    Employee,
    Employees,
    Group,
    Label,
    Outputs,
    Params,
    RuleType,
    Title,
)
from rule_engine.rules.time_expressions import TimeExpression


class CreateTaskParams(Params):
    name: Title
    description: Annotated[str, Field(max_length=50_000, json_schema_extra=LONGER_IS_CUT)] = ""
    assignee: Employee | None = None
    """Code of an employee; by default the responsible person."""
    deadline: TimeExpression | None = None
    participants: Employees = ()
    observers: Employees = ()
    checklist: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    """Entries that come out empty are left out, as are tags."""
    priority: Literal["normal", "high"] = "normal"
    tags: Annotated[tuple[Label, ...], Field(max_length=50)] = ()
    complete_on_leave: bool = False
    """Whether the task is completed by itself when the item leaves the stage."""


class CreatedTask(Outputs):
    """The task."""

    task_id: UUID


class CreateTaskRule(RuleType[CreateTaskParams]):
    """A task on the item for an employee."""

    type = "create_task"
    title = "Create a task"
    group: ClassVar[Group] = "tasks"
    params = CreateTaskParams
    outputs = CreatedTask

    def act(self, params: CreateTaskParams, acting: ActionContext) -> CreateTask:
        zone = acting.context.tenant.time_zone
        return acting.command(
            CreateTask,
            name=params.name,
            description=params.description,
            assignee_id=params.assignee,
            deadline=params.deadline.moment(acting.now, zone) if params.deadline else None,
            participants=params.participants,
            observers=params.observers,
            checklist=tuple(filter(None, params.checklist)),
            priority=params.priority,
            tags=tuple(filter(None, params.tags)),
            complete_on_leave=params.complete_on_leave,
            stage=acting.stage,
        )


RULES: tuple[RuleType[Any], ...] = (CreateTaskRule(),)
