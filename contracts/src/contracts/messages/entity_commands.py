"""The commands of entity-service, on `crm.entity.commands.v1`.

A command about an item is an `ItemCommand`: entity-service locks the item, checks the guard and the causepath and
builds the actor in one place before the command's own handler runs.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from contracts.envelope import Body
from contracts.inputs import Moment
from contracts.texts import Line, Title
from contracts.values import (
    Code,
    Fields,
    FileRef,
    ItemFields,
    ItemKind,
    Link,
    Origin,
    PersonInput,
    PlannedKind,
    Value,
)


class EntityCommand(Body):
    """What every command of entity-service says of its sender."""

    actor: str
    """Who the records name: an employee's id, or such as `rule:<name>`, `trigger:<code>`, `form:<code>`."""
    origin: Origin = "rule"
    """What kind of sender it is."""


class ItemCommand(EntityCommand):
    """A command about one item. Refused when the item does not exist, or when automation runs in a circle."""

    item_id: UUID
    expect_entry_seq: int | None = None
    """Refused when the item has entered another stage since this entry; null: wherever the item is."""


class MoveCandidate(Value):
    """A stage an item may be moved to; `pipeline` null means the item's present one."""

    stage: str
    pipeline: str | None = None
    reference: str | None = None
    """Returned with the verdict, such as the trigger's code."""
    forward_only: bool | None = None
    """Overrides the command's setting for this candidate."""
    actor: str | None = None
    """Overrides the command's, when this candidate is chosen."""
    rule_id: str | None = None
    """What wants it, as the chain of causes names it (`trigger/<code>`): the move is one step more of that chain."""


class MoveItem(ItemCommand):
    """Moves an item to the earliest allowed of several stages. An item that is gone is no error but a verdict.

    Outputs: `verdict` (`moved`, `behind`, `same`, `gone`), `stage`, `pipeline`, `reference`, `entry_seq`.
    """

    TYPE: ClassVar[str] = "crm.item.move.v1"

    candidates: tuple[MoveCandidate, ...] = Field(min_length=1)
    forward_only: bool = False


class FieldAssignment(Value):
    """A new value of one field; `append` adds to a multiple field instead of overwriting it."""

    field: str
    value: JsonValue
    append: bool = False


class UpdateItem(ItemCommand):
    """Sets fields of an item. Outputs: `version`."""

    TYPE: ClassVar[str] = "crm.item.update.v1"

    assignments: tuple[FieldAssignment, ...] = Field(min_length=1)


class NewItem(ItemFields):
    """What an item begins with; entity-service checks all of it against what the tenant has.

    `pipeline` null: the kind's first pipeline; `stage` null: the pipeline's first stage.
    """

    kind: ItemKind
    title: str
    pipeline: str | None = None
    stage: str | None = None


class CreateItem(NewItem, EntityCommand):
    """Creates an item, and its client when `person` is given and no contact has the phone number or e-mail address.

    Outputs: `item_id`, `contact_id` (null without a client), `duplicate` (the client was known).
    """

    TYPE: ClassVar[str] = "crm.item.create.v1"

    person: PersonInput | None = None


class CreateFollowUp(NewItem, ItemCommand):
    """Creates an item because of another one. Outputs: `item_id`."""

    TYPE: ClassVar[str] = "crm.item.create_follow_up.v1"

    linked: bool = True
    """Whether it is linked to the one that it follows."""


class CopyItem(ItemCommand):
    """Copies an item with all field values, client and product rows. Outputs: `item_id`.

    `title` null: the original's name and "Copy" in the tenant's language; `responsible_id` null: the original's.
    """

    TYPE: ClassVar[str] = "crm.item.copy.v1"

    title: str | None = None
    pipeline: str
    stage: str | None = None
    responsible_id: UUID | None = None


Employees = Annotated[tuple[UUID, ...], Field(max_length=100)]


class TaskFields(Fields):
    """What people, rules and the record say of a task."""

    name: Title
    description: Annotated[str, StringConstraints(max_length=50_000)] = ""
    assignee_id: UUID | None = None
    """Null: the item's responsible person."""
    deadline: Moment | None = None
    participants: Employees = ()
    observers: Employees = ()
    checklist: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    priority: Literal["normal", "high"] = "normal"
    tags: Annotated[tuple[Line, ...], Field(max_length=50)] = ()
    complete_on_leave: bool = False
    """Whether the task is completed when the item leaves the stage in which it was made."""


class CreateTask(TaskFields, ItemCommand):
    """Creates a task on an item. Outputs: `task_id`."""

    TYPE: ClassVar[str] = "crm.task.create.v1"

    stage: str
    """The stage whose rule made the task."""


Colour = Literal["red", "orange", "yellow", "green", "blue", "purple", "grey"]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
"""How long something takes; at most a week."""


class PlannedActivityFields(Fields):
    """What people, rules and the record say of something that an employee plans to do about an item."""

    kind: PlannedKind = "activity"
    name: Title
    description: Annotated[str, StringConstraints(max_length=50_000)] = ""
    deadline: Moment | None = None
    """When it is to be done; in the calendar and in its room it begins then."""
    minutes: Minutes = 60
    """How long it takes from then."""
    reminders: Annotated[tuple[Annotated[int, Field(ge=0, le=525_600)], ...], Field(max_length=10)] = ()
    """How many minutes before the deadline the responsible person and the guests are reminded."""
    responsible_id: UUID | None = None
    """Null: the item's responsible person."""
    colour: Colour | None = None
    add_to_calendar: bool = False
    guests: Employees = ()
    """Colleagues who are invited."""
    contact_ids: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    """Clients who take part."""
    address: Line = ""
    room: Code | None = None
    """A meeting room, which is booked."""
    link: Link | None = None
    files: Annotated[tuple[FileRef, ...], Field(max_length=20)] = ()
    complete_on_leave: bool = False
    """Whether it is completed when the item leaves the stage in which it was planned."""


class PlanActivity(PlannedActivityFields, ItemCommand):
    """Plans an activity on an item. Refused when its room is taken. Outputs: `activity_id`."""

    TYPE: ClassVar[str] = "crm.activity.plan.v1"

    stage: str
    """The stage whose rule planned it."""


class CompleteActivities(ItemCommand):
    """Completes the item's open planned activities. Outputs: `completed` (how many)."""

    TYPE: ClassVar[str] = "crm.activity.complete.v1"

    kinds: tuple[PlannedKind, ...] = ()
    """None: of all kinds."""
    author_id: UUID | None = None
    """Only those that this employee has planned."""


class BookResource(ItemCommand):
    """Books a resource for an item. Refused when it is taken, with the next free time. Outputs: `booking_id`."""

    TYPE: ClassVar[str] = "crm.resource.book.v1"

    resource: Code
    service: Line = ""
    """What it is booked for."""
    start: Moment
    minutes: Minutes


class CompleteTasks(ItemCommand):
    """Completes the open tasks of an item that rules of a stage made. Outputs: `completed`, how many."""

    TYPE: ClassVar[str] = "crm.task.complete.v1"

    stage: str


class AddTimelineEntry(ItemCommand):
    """Writes an entry into an item's timeline. Outputs: `entry_id`."""

    TYPE: ClassVar[str] = "crm.timeline.add.v1"

    kind: Literal["comment", "history"] = "history"
    text: str


class LockItem(ItemCommand):
    """Keeps rules and other workflows from changing an item until `UnlockItem`, for 30 days at the most.

    While another run holds it, the command waits its turn. Outputs: `until`.
    """

    TYPE: ClassVar[str] = "crm.item.lock.v1"

    run_id: UUID
    """Whose commands are still handled: those that name it as their cause."""
    workflow: str
    """Its code, for people."""


class UnlockItem(ItemCommand):
    """Takes back a `LockItem` that holds the item or waits for it. Outputs: `unlocked`; false: it did neither."""

    TYPE: ClassVar[str] = "crm.item.unlock.v1"

    lock_id: UUID
    """The id of the `LockItem`."""
