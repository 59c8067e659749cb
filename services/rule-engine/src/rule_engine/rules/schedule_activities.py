"""Rules that plan a call or a meeting."""

from typing import Any, ClassVar

from contracts.item_types import TypeFilter
from contracts.messages.entity_commands import (
    PlanActivity,
)
from contracts.values import PlannedKind
from rule_engine.domain.actions import (
    ActionContext,
    Employee,
    Group,
    Params,
    RuleType,
    Title,
)
from rule_engine.rules.activities import SALES, Description
from rule_engine.rules.plan_activity import PlannedActivity, moment
from rule_engine.rules.time_expressions import TimeExpression


class ScheduleParams(Params):
    subject: Title
    description: Description = ""
    date: TimeExpression
    responsible: Employee | None = None
    """Code of an employee; by default the item's responsible person."""
    complete_on_leave: bool = False
    """Whether it is completed by itself when the item moves to another stage."""


class Schedule(RuleType[ScheduleParams]):
    """What the two rules below have in common."""

    group: ClassVar[Group] = "tasks"
    kinds: ClassVar[tuple[TypeFilter, ...]] = SALES
    params = ScheduleParams
    outputs = PlannedActivity
    plans: ClassVar[PlannedKind]

    def act(self, params: ScheduleParams, acting: ActionContext) -> PlanActivity:
        return acting.command(
            PlanActivity,
            kind=self.plans,
            name=params.subject,
            description=params.description,
            deadline=moment(params.date, acting),
            responsible_id=params.responsible,
            contact_ids=acting.context.item.contact_ids[:1],
            add_to_calendar=True,
            complete_on_leave=params.complete_on_leave,
            stage=acting.stage,
        )


class ScheduleCall(Schedule):
    """A call with the client, in the calendar of who makes it."""

    type = "schedule_call"
    title = "Schedule a call"
    plans: ClassVar[PlannedKind] = "call"


class ScheduleMeeting(Schedule):
    """A meeting with the client, in the calendar of who goes there."""

    type = "schedule_meeting"
    title = "Schedule a meeting"
    plans: ClassVar[PlannedKind] = "meeting"


RULES: tuple[RuleType[Any], ...] = (
    ScheduleCall(),
    ScheduleMeeting(),
)
