"""A rule that plans an activity."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import (
    Colour,
    Minutes,
    PlanActivity,
)
from contracts.values import FileRef, Link
from rule_engine.domain.actions import (
    ActionContext,
    Employee,
    Employees,
    Group,
    Label,
    Outputs,
    Params,
    RoomCode,
    RuleType,
    Title,
)
from rule_engine.rules.activities import Description
from rule_engine.rules.time_expressions import TimeExpression


class PlanActivityParams(Params):
    name: Title
    description: Description = ""
    deadline: TimeExpression | None = None
    minutes: Minutes = 60
    """How long it takes from the deadline on, in the calendar and in its room."""
    reminders: Annotated[tuple[Annotated[int, Field(ge=0, le=525_600)], ...], Field(max_length=10)] = ()
    """How many minutes before the deadline the responsible person and the guests are reminded."""
    responsible: Employee | None = None
    """Code of an employee; by default the item's responsible person."""
    colour: Colour | None = None
    add_to_calendar: bool = False
    """Whether it is in the calendars of the responsible person and the guests, in the same colour."""
    clients: Literal["none", "first", "all"] = "first"
    """Which contacts of the item take part."""
    guests: Employees = ()
    """Codes of colleagues who are invited."""
    address: Label = ""
    room: RoomCode | None = None
    """Code of a meeting room; it is booked, and when it is taken the rule is refused with the next free time."""
    link: Link | None = None
    files: Annotated[tuple[FileRef, ...], Field(max_length=20)] = ()
    complete_on_leave: bool = False
    """Whether it is completed by itself when the item moves to another stage."""


class PlannedActivity(Outputs):
    """The activity."""

    activity_id: UUID


class PlanActivityRule(RuleType[PlanActivityParams]):
    """An activity that an employee is to do about the item."""

    type = "plan_activity"
    title = "Plan an activity"
    group: ClassVar[Group] = "tasks"
    params = PlanActivityParams
    outputs = PlannedActivity

    def act(self, params: PlanActivityParams, acting: ActionContext) -> PlanActivity:
        contacts = acting.context.item.contact_ids
        taking_part = {"none": (), "first": contacts[:1], "all": contacts}
        same = {name: getattr(params, name) for name in _SAME}
        return acting.command(
            PlanActivity,
            **same,
            deadline=moment(params.deadline, acting),
            responsible_id=params.responsible,
            contact_ids=taking_part[params.clients],
            stage=acting.stage,
        )


_SAME = PlanActivityParams.model_fields.keys() & PlanActivity.model_fields.keys() - {"deadline"}
"""What the command has under the same names."""


def moment(time: TimeExpression | None, acting: ActionContext) -> datetime | None:
    return time.moment(acting.now, acting.context.tenant.time_zone) if time else None


RULES: tuple[RuleType[Any], ...] = (PlanActivityRule(),)
