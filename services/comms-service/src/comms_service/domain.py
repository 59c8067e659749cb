"""Messages, addresses and channels as values, and what is decided about them without asking anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from comms_service.sms_text import with_plain_blanks
from contracts import addresses
from contracts.envelope import Envelope, format_causepath, parse_causepath
from contracts.messages.comms import ChannelKind, ConsentSource, MessageStatus, Notify, SendMessage
from contracts.texts import one_line
from contracts.values import FileRef

OPTED_OUT: Final = "opted out"


class CommsError(Exception):
    """The root of this service's errors. Their texts never hold an address or a message's words."""


class UnusableError(CommsError):
    """A message, address or channel cannot be used as it is; the text says why and what to do."""


class RejectedError(CommsError):
    """The provider said no for good: trying again makes no sense."""


class PostponedError(CommsError):
    """The message could not be handed over now, for a reason that may pass.

    `reached` is true unless it is certain that the provider did not take it. `after_s` is the provider's own wish.
    """

    def __init__(self, reason: str, *, reached: bool, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reached = reached
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out for messages of one kind; `sender_address` and `sender_name` belong to e-mail."""

    code: str
    kind: ChannelKind
    name: str
    sender_address: str | None
    sender_name: str
    default: bool
    archived: bool


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


@dataclass(frozen=True, slots=True)
class OptOut:
    """Whether the owner of an address wants no messages. `version` counts what was recorded, from 1."""

    address: str
    version: int
    opted_out: bool
    source: ConsentSource
    note: str
    updated_by: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of an employee's inbox."""

    id: UUID
    employee_id: UUID
    item_id: UUID | None
    title: str
    text: str
    sender: str | None
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list that is sorted newest first: `limit` rows after the row with the key `before`."""

    before: tuple[datetime, UUID] | None
    limit: int


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


def notification_id(tenant: UUID, command_id: UUID, employee: UUID) -> UUID:
    return uuid5(command_id, f"{tenant}/{employee}")


def status_event_id(message: UUID, status: MessageStatus) -> UUID:
    """A message takes each status at most once."""
    return uuid5(message, status)


def normalise(address: str) -> str:
    """An e-mail address or phone number in its one form for sending; raises `UnusableError`."""
    return normalise_email(address) if "@" in address else normalise_phone(address)


def normalise_email(address: str) -> str:
    """As servers take it: the mailbox as written, the domain in ASCII (IDNA)."""
    try:
        return addresses.mailbox(address)
    except addresses.AddressError as error:
        raise UnusableError(f"the address {error}: expected the form name@domain.example") from error


def normalise_phone(number: str) -> str:
    """E.164; the country code is demanded."""
    try:
        return addresses.normalise_phone(number)
    except addresses.AddressError as error:
        raise UnusableError(f"the phone number is not valid: {error}") from error


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


def is_opted_out(record: OptOut | None, said_at: datetime | None) -> bool:
    """What is known of an address, or what the sender knew, whichever was said later."""
    if said_at is not None and (record is None or record.updated_at < said_at):
        return True
    return record is not None and record.opted_out


def address_of(message: SendMessage) -> str:
    """The normalised address, of the kind the message needs; raises `UnusableError`."""
    return normalise_email(message.to) if message.kind == "email" else normalise_phone(message.to)


def check_message(message: SendMessage) -> SendMessage:
    """The message with its names and subject on one line; raises `UnusableError` for what cannot be sent."""
    lines = {name: _line(name, getattr(message, name)) for name in ("subject", "to_name", "sent_by")}
    files = tuple(file.model_copy(update={"name": _line("attachment name", file.name)}) for file in message.attachments)
    for file in files:
        _line("attachment media type", file.media_type)
    _check_no_nul(text=message.text, html=message.html or "")
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


def check_notification(message: Notify) -> None:
    """Raises `UnusableError` for a notification without recipients or with characters that cannot be stored."""
    if not message.recipients:
        raise UnusableError("the notification has no recipients")
    _check_no_nul(title=message.title, text=message.text, sender=message.sender or "")


def _line(name: str, text: str) -> str:
    """The text as every name is written; nothing in it could end a mail header."""
    try:
        return one_line(text)
    except ValueError as error:
        raise UnusableError(f"{name}: {error}") from error


def _check_no_nul(**texts: str) -> None:
    for name, text in texts.items():
        if "\x00" in text:
            raise UnusableError(f"{name}: contains a null character")
