"""Rules that plan what employees do about items, and book what they need for it."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import (
    BookResource,
    Colour,
    CompleteActivities,
    Minutes,
    PlanActivity,
    PlannedKind,
)
from contracts.values import Code, FileRef, ItemKind, Link
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

Description = Annotated[str, Field(max_length=50_000, json_schema_extra=LONGER_IS_CUT)]
SALES: tuple[ItemKind, ...] = ("lead", "deal")


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
    room: Code | None = None
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
            deadline=_moment(params.deadline, acting),
            responsible_id=params.responsible,
            contact_ids=taking_part[params.clients],
            stage=acting.stage,
        )


_SAME = PlanActivityParams.model_fields.keys() & PlanActivity.model_fields.keys() - {"deadline"}
"""What the command has under the same names."""


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
    kinds: ClassVar[tuple[ItemKind, ...]] = SALES
    params = ScheduleParams
    outputs = PlannedActivity
    plans: ClassVar[PlannedKind]

    def act(self, params: ScheduleParams, acting: ActionContext) -> PlanActivity:
        return acting.command(
            PlanActivity,
            kind=self.plans,
            name=params.subject,
            description=params.description,
            deadline=_moment(params.date, acting),
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


class CompleteActivitiesParams(Params):
    kinds: tuple[PlannedKind, ...] = ()
    """None: of all kinds."""
    author: Employee | None = None
    """Code of an employee: only what they have planned."""


class CompletedActivities(Outputs):
    """How many were open."""

    completed: int


class CompleteActivitiesRule(RuleType[CompleteActivitiesParams]):
    """Completes the planned activities of the item that are open."""

    type = "complete_activities"
    title = "Complete activities"
    group: ClassVar[Group] = "tasks"
    params = CompleteActivitiesParams
    outputs = CompletedActivities

    def act(self, params: CompleteActivitiesParams, acting: ActionContext) -> CompleteActivities:
        return acting.command(CompleteActivities, kinds=params.kinds, author_id=params.author)


class BookResourceParams(Params):
    resource: Code
    """Code of a resource; when it is taken the rule is refused with the next free time."""
    service: Label = ""
    """What it is booked for."""
    start: TimeExpression
    minutes: Minutes
    """How long it is booked."""


class BookedResource(Outputs):
    """The booking."""

    booking_id: UUID


class BookResourceRule(RuleType[BookResourceParams]):
    """A booking of a resource for the item, in the calendar of the item's responsible person."""

    type = "book_resource"
    title = "Book a resource"
    group: ClassVar[Group] = "tasks"
    kinds: ClassVar[tuple[ItemKind, ...]] = SALES
    params = BookResourceParams
    outputs = BookedResource

    def act(self, params: BookResourceParams, acting: ActionContext) -> BookResource:
        start = params.start.moment(acting.now, acting.context.tenant.time_zone)
        return acting.command(
            BookResource, resource=params.resource, service=params.service, start=start, minutes=params.minutes
        )


def _moment(time: TimeExpression | None, acting: ActionContext) -> datetime | None:
    return time.moment(acting.now, acting.context.tenant.time_zone) if time else None


RULES: tuple[RuleType[Any], ...] = (
    PlanActivityRule(),
    ScheduleCall(),
    ScheduleMeeting(),
    CompleteActivitiesRule(),
    BookResourceRule(),
)
