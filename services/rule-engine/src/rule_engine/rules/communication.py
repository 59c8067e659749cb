"""Rules that write to the client. Addresses are found here; consent and quiet hours are checked when it is sent."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.contexts import CompanyContext, ContactContext, ItemContext, Part
from contracts.issues import Issue, unknown
from contracts.messages.comms import SendMessage
from contracts.values import Code, FileRef
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
    Title,
    literal,
)

type Client = ContactContext | CompanyContext
type Addresses = Callable[[Client], Iterable[tuple[str, str]]]


class SentMessage(Outputs):
    """A message that the provider accepted."""

    message_id: UUID
    sent_to: str


@dataclass(frozen=True, slots=True)
class _Recipient:
    to: str
    name: str
    contact_id: UUID | None
    opted_out_at: datetime | None


def _recipient(context: ItemContext, wanted: str, addresses: Addresses) -> _Recipient | None:
    """The first address of the wanted type (`auto`: any) of the contact, then of the company."""
    for client in (context.contact, context.company):
        if client is None:
            continue
        for address, kind in addresses(client):
            if wanted in ("auto", kind):
                return _to(client, address)
    return None


def _to(client: Client, address: str) -> _Recipient:
    if isinstance(client, ContactContext):
        return _Recipient(address, client.name, client.id, client.opted_out_at)
    return _Recipient(address, client.title, None, None)


def _nobody(context: ItemContext, wanted: str, address: str) -> Failure:
    if context.contact is None and context.company is None:
        return Failure(f"the item has neither a contact nor a company to take {address} from")
    has = "the contact has" if context.contact else "the item has no contact, and its company has"
    kind = "" if wanted == "auto" else f" of type {wanted}"
    nor = ", nor has the company" if context.contact and context.company else ""
    return Failure(f"{has} no {address.partition(' ')[2]}{kind}{nor}")


def _channel_issues(kind: str, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    code, channels = literal(params.get("channel")), context.elsewhere.channels
    if code is not None and channels is not None:
        known = [one.code for one in channels if one.kind == kind]
        if code not in known:
            yield Issue("channel", unknown(f"{kind} channel", code, known))


def _default_warnings(kind: str, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    channels = context.elsewhere.channels
    if params.get("channel") is not None or channels is None:
        return
    if not any(one.kind == kind and one.default for one in channels):
        yield Issue("channel", f"there is no default {kind} channel, so nothing is sent: make one, or name one here")


MAX_SMS = 255 * 153
"""Characters of the longest SMS that there can be: no network joins more parts. A tenant's quota allows far fewer, and
says so when the message is sent."""


class SendSmsParams(Params):
    text: Annotated[str, Field(min_length=1, max_length=MAX_SMS)]
    phone_type: Literal["auto", "work", "home", "mobile", "other"] = "auto"
    """`auto`: the first number of the contact, then of the company."""
    channel: Code | None = None
    """Code of the SMS channel; by default the tenant's first one."""


class SendSms(RuleType[SendSmsParams]):
    """An SMS to the client."""

    type = "send_sms"
    title = "Send an SMS"
    group: ClassVar[Group] = "communication"
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company")
    names = "channels"
    params = SendSmsParams
    outputs = SentMessage

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return _channel_issues("sms", params, context)

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return _default_warnings("sms", params, context)

    def act(self, params: SendSmsParams, acting: ActionContext) -> SendMessage | Failure:
        """Fails when the client has no such number."""
        recipient = _recipient(acting.context, params.phone_type, _phones)
        if recipient is None:
            return _nobody(acting.context, params.phone_type, "a phone number")
        return SendMessage(
            item_id=acting.context.item.id,
            contact_id=recipient.contact_id,
            kind="sms",
            channel=params.channel,
            to=recipient.to,
            to_name=recipient.name,
            text=params.text,
            sent_by=acting.actor,
            opted_out_at=recipient.opted_out_at,
        )


def _phones(client: Client) -> Iterable[tuple[str, str]]:
    return ((phone.number, phone.type) for phone in client.phones)


class SendEmailParams(Params):
    subject: Title
    text: Annotated[str, Field(min_length=1)]
    html: bool = False
    """Whether `text` is HTML; a plain version is made from it. Values in it are escaped, except behind `safe`."""
    address_type: Literal["auto", "work", "home", "other"] = "auto"
    """`auto`: the first address of the contact, then of the company."""
    attachments: Annotated[tuple[FileRef, ...], Field(max_length=20)] = ()
    """Files, by path: `{"path": "steps.create_document.pdf"}`."""
    channel: Code | None = None
    """Code of the e-mail channel; by default the tenant's first one."""


class SendEmail(RuleType[SendEmailParams]):
    """An e-mail to the client."""

    type = "send_email"
    title = "Send an e-mail"
    group: ClassVar[Group] = "communication"
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company")
    names = "channels"
    params = SendEmailParams
    outputs = SentMessage

    def html_in(self, params: Mapping[str, JsonValue]) -> Collection[str]:
        return ("text",) if params.get("html", False) is not False else ()

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return _channel_issues("email", params, context)

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return _default_warnings("email", params, context)

    def act(self, params: SendEmailParams, acting: ActionContext) -> SendMessage | Failure:
        """Fails when the client has no such address."""
        recipient = _recipient(acting.context, params.address_type, _emails)
        if recipient is None:
            return _nobody(acting.context, params.address_type, "an e-mail address")
        return SendMessage(
            item_id=acting.context.item.id,
            contact_id=recipient.contact_id,
            kind="email",
            channel=params.channel,
            to=recipient.to,
            to_name=recipient.name,
            subject=params.subject,
            text="" if params.html else params.text,
            html=params.text if params.html else None,
            attachments=params.attachments,
            sent_by=acting.actor,
            opted_out_at=recipient.opted_out_at,
        )


def _emails(client: Client) -> Iterable[tuple[str, str]]:
    return ((email.address, email.type) for email in client.emails)


RULES: tuple[RuleType[Any], ...] = (SendEmail(), SendSms())
