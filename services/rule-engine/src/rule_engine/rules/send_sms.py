"""A rule that sends an SMS."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from contracts.contexts import Part
from contracts.issues import Issue
from contracts.item_types import ItemPart
from contracts.messages.comms import SendMessage
from contracts.values import Code
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Failure,
    Group,
    Params,
    RuleType,
)
from rule_engine.rules.communication import Client, SentMessage, channel_issues, default_warnings, nobody, recipient_of

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
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company")
    names = "channels"
    params = SendSmsParams
    outputs = SentMessage

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return channel_issues("sms", params, context)

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return default_warnings("sms", params, context)

    def act(self, params: SendSmsParams, acting: ActionContext) -> SendMessage | Failure:
        """Fails when the client has no such number."""
        recipient = recipient_of(acting.context, params.phone_type, _phones)
        if recipient is None:
            return nobody(acting.context, params.phone_type, "a phone number")
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


RULES: tuple[RuleType[Any], ...] = (SendSms(),)
