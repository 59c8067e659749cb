"""Facts about items, published by entity-service on `crm.entity.events.v1`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from contracts.envelope import Body
from contracts.values import ItemSnapshot, Money, Origin

PaymentStatus = Literal["pending", "paid", "failed", "refunded"]
ShipmentStatus = Literal["asked", "planned", "allowed", "shipped", "delivered", "cancelled", "failed"]
"""`asked`: the carrier has not answered yet; `failed`: it does not take it."""
TaskStatus = Literal["open", "in_progress", "done", "cancelled"]
ResourceKind = Literal["room", "resource"]


class ItemCreated(Body):
    """An item exists. Its `StageChanged` with `entry_seq` 1 follows in the same transaction."""

    TYPE: ClassVar[str] = "crm.item.created.v1"

    item: ItemSnapshot
    origin: Origin
    at: AwareDatetime


class StageChanged(Body):
    """An item entered a stage. `entry_seq` counts the item's entries over all pipelines, from 1.

    `automation` is false when the entry starts no rules (imports that did not ask for it).
    """

    TYPE: ClassVar[str] = "crm.item.stage_changed.v1"

    item: ItemSnapshot
    entry_seq: int
    from_pipeline: str | None
    from_stage: str | None
    to_pipeline: str
    to_stage: str
    origin: Origin
    automation: bool = True
    changed_by: str
    at: AwareDatetime


class FieldsChanged(Body):
    """Fields of an item changed; `changed` names them (`title`, `amount`, `fields.<code>`, …).

    `previous` has their former values by the same names, as far as there was room for them: long ones may be missing,
    and so is what is not kept in the item itself (`products`).
    """

    TYPE: ClassVar[str] = "crm.item.fields_changed.v1"

    item: ItemSnapshot
    changed: tuple[str, ...]
    previous: dict[str, JsonValue] = Field(default_factory=dict)
    changed_by: str
    at: AwareDatetime


class ItemDeleted(Body):
    """An item is gone; `merged_into` names the item that took over its data, if any."""

    TYPE: ClassVar[str] = "crm.item.deleted.v1"

    item_id: UUID
    version: int
    merged_into: UUID | None = None
    deleted_by: str
    at: AwareDatetime


class PaymentChanged(Body):
    """A payment's status changed. `item_id` is the deal it pays for, or the invoice when no deal is linked."""

    TYPE: ClassVar[str] = "crm.payment.changed.v1"

    payment_id: UUID
    item_id: UUID
    invoice_id: UUID | None = None
    status: PaymentStatus
    previous: PaymentStatus | None
    amount: Money
    paid_at: AwareDatetime | None = None
    at: AwareDatetime


class ShipmentChanged(Body):
    """A shipment's status changed, or its tracking number became known (`tracking_changed`)."""

    TYPE: ClassVar[str] = "crm.shipment.changed.v1"

    shipment_id: UUID
    item_id: UUID
    carrier: str
    status: ShipmentStatus
    previous: ShipmentStatus | None
    tracking: str | None = None
    tracking_changed: bool = False
    at: AwareDatetime


class TaskChanged(Body):
    """A task on an item reached a status; `previous` is null when it was just made.

    `left_stage`: it was to be done only while the item was in its stage, and was completed because the item left it.
    """

    TYPE: ClassVar[str] = "crm.task.changed.v1"

    task_id: UUID
    item_id: UUID
    name: str
    assignee_id: UUID
    status: TaskStatus
    previous: TaskStatus | None
    left_stage: bool = False
    at: AwareDatetime


class ResourceBooked(Body):
    """A resource, or a meeting room, was booked for an item, from `start` to `end`. `service` says for what."""

    TYPE: ClassVar[str] = "crm.resource.booked.v1"

    booking_id: UUID
    item_id: UUID
    kind: ResourceKind
    resource: str
    service: str
    start: AwareDatetime
    end: AwareDatetime
    at: AwareDatetime
