"""The messages this service publishes besides results, built in one place."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from comms_service.domain.consents import Consent
from comms_service.domain.messages import Message, status_event_id
from contracts.envelope import Envelope, event, parse_causepath
from contracts.messages.comms import ConsentChanged, MessageStatus, MessageStatusChanged
from contracts.topics import item_key, record_key


def status_changed(
    message: Message, status: MessageStatus, reason: str | None, at: datetime, now: datetime
) -> Envelope[MessageStatusChanged]:
    """`at` is when it happened, as the provider reported it; the event continues the command's correlation."""
    body = MessageStatusChanged(
        message_id=message.id,
        command_id=message.command_id,
        item_id=message.item_id,
        contact_id=message.contact_id,
        kind=message.kind,
        status=status,
        reason=reason,
        at=at,
    )
    envelope = event(
        body,
        source="comms-service",
        id=status_event_id(message.id, status),
        tenant=message.tenant,
        key=item_key(message.tenant, message.item_id),
        time=now,
        correlation=message.correlation,
        causepath=parse_causepath(message.causepath),
        root=message.root,
    )
    return replace(envelope, causation=str(message.command_id))


def consent_changed(
    tenant: UUID, record: Consent, now: datetime, cause: Envelope[Any] | None
) -> Envelope[ConsentChanged]:
    """One event per version of the record of an address; those of one address keep their order."""
    body = ConsentChanged(
        address=record.address,
        version=record.version,
        opted_out=record.opted_out,
        source=record.source,
        by=record.updated_by,
        at=record.updated_at,
    )
    place = uuid5(tenant, record.address)
    return event(
        body,
        source="comms-service",
        id=uuid5(place, str(record.version)),
        tenant=tenant,
        key=record_key(tenant, "address", place),
        time=now,
        cause=cause,
    )
