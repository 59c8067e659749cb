"""A rule that sends an e-mail."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from contracts.contexts import Part
from contracts.issues import Issue
from contracts.item_types import ItemPart
from contracts.messages.comms import SendMessage
from contracts.values import Code, FileRef
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Failure,
    Group,
    Params,
    RuleType,
    Title,
)
from rule_engine.rules.communication import Client, SentMessage, channel_issues, default_warnings, nobody, recipient_of


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
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company")
    names = "channels"
    params = SendEmailParams
    outputs = SentMessage

    def html_in(self, params: Mapping[str, JsonValue]) -> Collection[str]:
        return ("text",) if params.get("html", False) is not False else ()

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return channel_issues("email", params, context)

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return default_warnings("email", params, context)

    def act(self, params: SendEmailParams, acting: ActionContext) -> SendMessage | Failure:
        """Fails when the client has no such address."""
        recipient = recipient_of(acting.context, params.address_type, _emails)
        if recipient is None:
            return nobody(acting.context, params.address_type, "an e-mail address")
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


RULES: tuple[RuleType[Any], ...] = (SendEmail(),)
