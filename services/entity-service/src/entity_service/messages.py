"""The messages that this service publishes, built in one place, and the actor that they name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from contracts.envelope import Body, Envelope, command, event
from contracts.messages.comms import Notify, RecordConsent
from contracts.messages.entity_events import (
    FieldsChanged,
    ItemCreated,
    ItemDeleted,
    PaymentChanged,
    PaymentStatus,
    ResourceBooked,
    ShipmentChanged,
    StageChanged,
    TaskChanged,
    TaskStatus,
)
from contracts.messages.results import CancelCommand, cancel_id
from contracts.messages.rule_commands import ScheduleWait
from contracts.topics import item_key, record_key
from contracts.values import Origin
from entity_service.domain.accounts import Account
from entity_service.domain.items import Item, former_values
from entity_service.domain.payments import Payment
from entity_service.domain.planned_activities import PlannedActivity
from entity_service.domain.reminders import Reminder
from entity_service.domain.resources import Booking
from entity_service.domain.shipments import Shipment
from entity_service.domain.tasks import Task

SERVICE = "entity-service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something and why: an employee's id, a rule or a service; the command if one asked for it."""

    by: str
    origin: Origin = "user"
    cause: Envelope[Any] | None = None
    automation: bool = True
    """Whether the entries made start rules."""


def about(item: Item, body: Body, *, actor: Actor, id: UUID, at: datetime) -> Envelope[Body]:
    """The fact `body` about `item`; correlation and causepath go on from the command that caused it."""
    key = item_key(item.tenant_id, item.id)
    return event(body, source=SERVICE, id=id, tenant=item.tenant_id, key=key, time=at, cause=actor.cause)


def item_created(item: Item, actor: Actor) -> ItemCreated:
    return ItemCreated(item=item.snapshot(), origin=actor.origin, at=item.updated_at)


def stage_changed(before: Item | None, item: Item, actor: Actor) -> StageChanged:
    """An entry; without `before` the item's first one."""
    return StageChanged(
        item=item.snapshot(),
        entry_seq=item.entry_seq,
        from_pipeline=before.pipeline if before else None,
        from_stage=before.stage if before else None,
        to_pipeline=item.pipeline,
        to_stage=item.stage,
        origin=actor.origin,
        automation=actor.automation,
        changed_by=actor.by,
        at=item.updated_at,
    )


def fields_changed(before: Item, item: Item, changed: tuple[str, ...], actor: Actor) -> FieldsChanged:
    previous = former_values(before, changed)
    snapshot = item.snapshot()
    return FieldsChanged(item=snapshot, changed=changed, previous=previous, changed_by=actor.by, at=item.updated_at)


def task_changed(task: Task, previous: TaskStatus | None, at: datetime, *, left_stage: bool = False) -> TaskChanged:
    return TaskChanged(
        task_id=task.id,
        item_id=task.item_id,
        name=task.name,
        assignee_id=task.assignee_id,
        status=task.status,
        previous=previous,
        left_stage=left_stage,
        at=at,
    )


def resource_booked(booking: Booking) -> ResourceBooked:
    return ResourceBooked(
        booking_id=booking.id,
        item_id=booking.item_id,
        kind=booking.kind,
        resource=booking.resource,
        service=booking.service,
        start=booking.start,
        end=booking.end,
        at=booking.created_at,
    )


def item_deleted(item: Item, actor: Actor, at: datetime) -> ItemDeleted:
    return ItemDeleted(item_id=item.id, version=item.version + 1, deleted_by=actor.by, at=at)


def payment_changed(payment: Payment, previous: PaymentStatus | None) -> PaymentChanged:
    return PaymentChanged(
        payment_id=payment.id,
        item_id=payment.item_id,
        invoice_id=payment.invoice_id,
        status=payment.status,
        previous=previous,
        amount=payment.amount,
        paid_at=payment.paid_at,
        at=payment.updated_at,
    )


def shipment_changed(before: Shipment | None, after: Shipment) -> ShipmentChanged:
    return ShipmentChanged(
        shipment_id=after.id,
        item_id=after.item_id,
        carrier=after.carrier,
        status=after.status,
        previous=before.status if before else None,
        tracking=after.tracking,
        tracking_changed=after.tracking != (before.tracking if before else None),
        at=after.updated_at,
    )


def callback(base: str, account: Account) -> str:
    """Where the account's provider reports; `base` is where it reaches this service."""
    return f"{base.rstrip('/')}/hooks/{account.kind}s/{account.token}"


def record_consent(tenant: UUID, contact: UUID, body: RecordConsent, id: UUID, at: datetime) -> Envelope[RecordConsent]:
    key = record_key(tenant, "contact", contact)
    return command(body, issuer=SERVICE, id=id, tenant=tenant, key=key, time=at, correlation=str(id))


def schedule_wait(reminder: Reminder, item: UUID, at: datetime, actor: Actor) -> Envelope[ScheduleWait]:
    body = ScheduleWait(item_id=item, until=reminder.due_at, payload=str(reminder.activity_id))
    return _to_engine(body, reminder, item, at, actor, reminder.id)


def cancel_wait(reminder: Reminder, item: UUID, at: datetime, actor: Actor) -> Envelope[CancelCommand]:
    return _to_engine(CancelCommand(target=reminder.id), reminder, item, at, actor, cancel_id(reminder.id))


def _to_engine[B: Body](  # noqa: PLR0913 - an envelope's parts
    body: B, reminder: Reminder, item: UUID, at: datetime, actor: Actor, id: UUID
) -> Envelope[B]:
    tenant, cause = reminder.tenant_id, actor.cause
    return command(
        body,
        issuer=SERVICE,
        id=id,
        tenant=tenant,
        key=item_key(tenant, item),
        time=at,
        correlation=cause.correlation if cause else f"reminder/{reminder.id}",
    )


def reminder(one: Reminder, activity: PlannedActivity, text: str, at: datetime) -> Envelope[Notify]:
    """Tells who is responsible and the guests; its id follows from the reminder's."""
    tenant, item = one.tenant_id, activity.item_id
    recipients = tuple(dict.fromkeys((activity.responsible_id, *activity.guests)))
    return command(
        Notify(item_id=item, recipients=recipients, title=activity.name, text=text),
        issuer=SERVICE,
        id=uuid5(one.id, "notify"),
        tenant=tenant,
        key=item_key(tenant, item),
        time=at,
        correlation=f"reminder/{one.id}",
    )
