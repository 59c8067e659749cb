"""What comms-service handles (`crm.comms.commands.v1`) and reports (`crm.comms.events.v1`)."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.envelope import Body
from contracts.values import FileRef

ChannelKind = Literal["email", "sms"]
ConsentSource = Literal["contact", "form", "link", "operator", "import"]
"""Where it comes from: a contact's record, a form, a link in a mail, an operator, another system's list."""
MessageStatus = Literal["queued", "accepted", "delivered", "undelivered", "failed", "refused", "cancelled"]


class SendMessage(Body):
    """Sends one message to one address. Done when the provider accepted it. Outputs: `message_id`, `sent_to`.

    `channel` is the code of a configured channel; null takes the tenant's default one of the kind.
    """

    TYPE: ClassVar[str] = "crm.message.send.v1"

    item_id: UUID
    contact_id: UUID | None = None
    kind: ChannelKind
    channel: str | None = None
    to: str
    """An e-mail address, or a phone number in E.164 form."""
    to_name: str = ""
    subject: str = ""
    text: str = ""
    html: str | None = None
    attachments: tuple[FileRef, ...] = ()
    sent_by: str
    opted_out_at: AwareDatetime | None = None
    """When the contact opted out at entity-service: comms-service may not know it yet."""


class Notify(Body):
    """Notifies employees; one inbox entry each. Outputs: `notification_ids`, by employee id."""

    TYPE: ClassVar[str] = "crm.notification.send.v1"

    item_id: UUID | None = None
    recipients: tuple[UUID, ...]
    title: str = ""
    text: str
    sender: str | None = None


class RecordConsent(Body):
    """Records whether the owner of some addresses wants messages. What is known since a later time stays.

    Outputs: none.
    """

    TYPE: ClassVar[str] = "crm.consent.record.v1"

    addresses: tuple[str, ...] = Field(min_length=1)
    opted_out: bool
    source: ConsentSource
    by: str
    at: AwareDatetime


class ConsentChanged(Body):
    """Whether the owner of an address wants messages; `version` counts what was recorded of the address, from 1.

    `address` is its consent key (`contracts.addresses.consent_key`).
    """

    TYPE: ClassVar[str] = "crm.consent.changed.v1"

    address: str
    version: int
    opted_out: bool
    source: ConsentSource
    by: str
    at: AwareDatetime


class MessageStatusChanged(Body):
    """The status of a message changed, as the provider reports it."""

    TYPE: ClassVar[str] = "crm.message.status_changed.v1"

    message_id: UUID
    command_id: UUID
    item_id: UUID
    contact_id: UUID | None = None
    kind: ChannelKind
    status: MessageStatus
    reason: str | None = None
    at: AwareDatetime
