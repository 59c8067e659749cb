"""What entity-service can be told to do, on `crm.entity.commands.v1`.

`expect_entry_seq` guards a command of a rule: it is refused when the item has entered another stage since.
"""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from contracts.envelope import Body
from contracts.messages.entity_events import PaymentStatus
from contracts.values import ItemKind, Money, Origin, PersonInput, Value


class MoveCandidate(Value):
    """A stage an item may be moved to; `pipeline` null means the item's present one."""

    stage: str
    pipeline: str | None = None
    reference: str | None = None
    """Whatever the sender wants back with the verdict, such as the trigger's code."""
    forward_only: bool | None = None
    """Overrides the command's setting for this candidate."""
    changed_by: str | None = None
    """Overrides the command's, when this candidate is chosen."""


class MoveItem(Body):
    """Moves an item to the earliest allowed of several stages.

    Outputs: `verdict` (`moved`, `behind`, `same`, `gone`), `stage`, `pipeline`, `reference`, `entry_seq`.
    """

    TYPE: ClassVar[str] = "crm.item.move.v1"

    item_id: UUID
    candidates: tuple[MoveCandidate, ...] = Field(min_length=1)
    forward_only: bool = False
    expect_entry_seq: int | None = None
    changed_by: str
    origin: Origin


class FieldAssignment(Value):
    """A new value of one field; `append` adds to a multiple field instead of overwriting it."""

    field: str
    value: JsonValue
    append: bool = False


class UpdateItem(Body):
    """Sets fields of an item. Outputs: `version`."""

    TYPE: ClassVar[str] = "crm.item.update.v1"

    item_id: UUID
    assignments: tuple[FieldAssignment, ...] = Field(min_length=1)
    expect_entry_seq: int | None = None
    changed_by: str


class CreateItem(Body):
    """Creates an item, and its client when `person` is given and nobody known matches phone or e-mail.

    `pipeline` null: the kind's first pipeline; `stage` null: the pipeline's first stage. `linked_item_id` links the new
    item to another one. Outputs: `item_id`, `contact_id` (null without a client), `duplicate` (the client was known).
    """

    TYPE: ClassVar[str] = "crm.item.create.v1"

    kind: ItemKind
    title: str
    pipeline: str | None = None
    stage: str | None = None
    responsible_id: UUID | None = None
    contact_ids: tuple[UUID, ...] = ()
    company_id: UUID | None = None
    person: PersonInput | None = None
    amount: Money | None = None
    source: str | None = None
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    linked_item_id: UUID | None = None
    expect_entry_seq: int | None = None
    """Guards on the linked item's entry."""
    created_by: str
    origin: Origin


class CopyItem(Body):
    """Copies an item with all field values, client and product rows. Outputs: `item_id`.

    `title` null: the original's name + " Copy"; `responsible_id` null: the original's.
    """

    TYPE: ClassVar[str] = "crm.item.copy.v1"

    item_id: UUID
    title: str | None = None
    pipeline: str
    stage: str | None = None
    responsible_id: UUID | None = None
    expect_entry_seq: int | None = None
    created_by: str


class CreateTask(Body):
    """Creates a task on an item. Outputs: `task_id`."""

    TYPE: ClassVar[str] = "crm.task.create.v1"

    item_id: UUID
    name: str
    description: str = ""
    assignee_id: UUID | None = None
    """Null: the item's responsible person."""
    deadline: AwareDatetime | None = None
    participants: tuple[UUID, ...] = ()
    observers: tuple[UUID, ...] = ()
    checklist: tuple[str, ...] = ()
    priority: Literal["normal", "high"] = "normal"
    tags: tuple[str, ...] = ()
    complete_on_leave: bool = False
    stage: str
    """The stage whose rule made the task."""
    expect_entry_seq: int | None = None
    created_by: str


class AddTimelineEntry(Body):
    """Writes an entry into an item's timeline. Outputs: `entry_id`."""

    TYPE: ClassVar[str] = "crm.timeline.add.v1"

    item_id: UUID
    kind: Literal["comment", "history"] = "history"
    text: str
    author: str
    expect_entry_seq: int | None = None


class RecordPayment(Body):
    """Records what a payment provider reported. Outputs: `status`, `changed` (false: already so)."""

    TYPE: ClassVar[str] = "crm.payment.record.v1"

    payment_id: UUID
    status: PaymentStatus
    amount: Money
    paid_at: AwareDatetime | None = None
    provider_reference: str
