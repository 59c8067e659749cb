"""Messages: what is sent, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from comms_service.domain.channels import Channel
from comms_service.domain.errors import UnusableError
from comms_service.domain.sms_text import with_plain_blanks
from comms_service.domain.texts import check_no_null, line
from contracts.envelope import Envelope, format_causepath, parse_causepath
from contracts.messages.comms import ChannelKind, MessageStatus, SendMessage
from contracts.values import FileRef


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address, with all that is needed to send it again as the same message."""

    id: UUID
    tenant: UUID
    command_id: UUID
    item_id: UUID
    contact_id: UUID | None
    kind: ChannelKind
    channel: str
    sender_address: str | None
    sender_name: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str | None
    attachments: tuple[FileRef, ...]
    sent_by: str
    status: MessageStatus
    reason: str | None
    cancel_asked: bool
    correlation: str
    causepath: str
    root: str
    traceparent: str | None
    created_at: datetime
    opted_out_at: datetime | None
    """When the contact opted out, as far as the sender of the command knew."""

    @property
    def provider_key(self) -> str:
        """By which a provider knows the message again: the same at every attempt, and of no other tenant."""
        return f"{self.command_id}.{self.tenant}"

    @property
    def ids(self) -> dict[str, object]:
        """What logs of its delivery name."""
        causes = parse_causepath(self.causepath)
        rule = causes[-1].rule_id if causes else None
        return {"message_id": self.id, "command_id": self.command_id, "item_id": self.item_id, "rule_id": rule}


_RANK: Mapping[MessageStatus, int] = {
    "queued": 0,
    "accepted": 1,
    "failed": 1,
    "delivered": 2,
    "undelivered": 2,
    "refused": 3,
    "cancelled": 3,
}


def is_further(status: MessageStatus, than: MessageStatus) -> bool:
    """Whether a message may go from `than` to `status`. A receipt may overtake the acceptance or correct a failure."""
    return _RANK[status] > _RANK[than]


def message_id(tenant: UUID, command_id: UUID) -> UUID:
    """One command, one message."""
    return uuid5(command_id, f"{tenant}/message")


def status_event_id(message: UUID, status: MessageStatus) -> UUID:
    """A message takes each status at most once."""
    return uuid5(message, status)


def plan_message(command: Envelope[SendMessage], channel: Channel, address: str, now: datetime) -> Message:
    """The message that a command asks for, as it will be sent."""
    send = command.data
    return Message(
        id=message_id(command.tenant, command.command_id),
        tenant=command.tenant,
        command_id=command.command_id,
        item_id=send.item_id,
        contact_id=send.contact_id,
        kind=send.kind,
        channel=channel.code,
        sender_address=channel.sender_address,
        sender_name=channel.sender_name,
        to_address=address,
        to_name=send.to_name,
        subject=send.subject,
        text=send.text,
        html=send.html,
        attachments=send.attachments,
        sent_by=send.sent_by,
        status="queued",
        reason=None,
        cancel_asked=False,
        correlation=command.correlation,
        causepath=format_causepath(command.causepath),
        root=command.root_cause,
        traceparent=None,
        created_at=now,
        opted_out_at=send.opted_out_at,
    )


def check_message(message: SendMessage) -> SendMessage:
    """The message with its names and subject on one line; raises `UnusableError` for what cannot be sent."""
    lines = {name: line(name, getattr(message, name)) for name in ("subject", "to_name", "sent_by")}
    files = tuple(file.model_copy(update={"name": line("attachment name", file.name)}) for file in message.attachments)
    for file in files:
        line("attachment media type", file.media_type)
    check_no_null(text=message.text, html=message.html or "")
    if message.kind == "sms":
        _check_sms(message)
        lines["text"] = with_plain_blanks(message.text)
    elif not (message.text or message.html or message.attachments):
        raise UnusableError("the e-mail is empty: give it a text, HTML or an attachment")
    return message.model_copy(update={**lines, "attachments": files})


def _check_sms(message: SendMessage) -> None:
    if message.attachments or message.html:
        raise UnusableError("an SMS carries text only: take the HTML and the attachments out")
    if not message.text.strip():
        raise UnusableError("the SMS is empty: give it a text")
