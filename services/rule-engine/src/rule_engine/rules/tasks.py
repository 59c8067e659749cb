"""Rules that give people work."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from whenever import Instant, Time

from contracts.calendars import Clock
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
from rule_engine.domain.schedule.clock import at_local


class Span(BaseModel):
    """A length of time: months, weeks and days of the company's calendar, hours and minutes by the clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    months: Annotated[int, Field(ge=0, le=1200)] = 0
    weeks: Annotated[int, Field(ge=0, le=5200)] = 0
    days: Annotated[int, Field(ge=0, le=36500)] = 0
    hours: Annotated[int, Field(ge=0, le=876000)] = 0
    minutes: Annotated[int, Field(ge=0, le=52560000)] = 0


class TimeExpression(BaseModel):
    """`{"in": {"days": 1}, "at": "14:00"}`: tomorrow at two in the company's zone. Without `at`: so long from now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_: Annotated[Span, Field(alias="in")] = Span()
    at: Clock | None = None

    @model_validator(mode="after")
    def _is_one_moment(self) -> "TimeExpression":
        if self.at is None and self.in_ == Span():
            raise ValueError("say in how long, at what time, or both")
        if self.at is not None and (self.in_.hours or self.in_.minutes):
            raise ValueError("a time of day goes with months, weeks and days, not with hours and minutes")
        return self

    def moment(self, now: datetime, zone: str) -> datetime:
        """The moment meant, as UTC."""
        span, clock = self.in_, self.at
        if clock or span.months or span.weeks or span.days:
            local = Instant(now).to_tz(zone).to_plain()
            local = local.add(months=span.months, weeks=span.weeks, days=span.days)
            now = at_local(local.replace_time(Time.parse_iso(clock)) if clock else local, zone)
        return now.astimezone(UTC) + timedelta(hours=span.hours, minutes=span.minutes)


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
