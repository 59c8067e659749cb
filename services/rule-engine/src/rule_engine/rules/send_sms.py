"""A rule that sends an SMS."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from contracts.values import Code
from rule_engine.domain.actions import Params, RuleType
from rule_engine.rules.communication import Client, MessageToClient

MAX_SMS = 255 * 153
"""Characters of the longest SMS that there can be: no network joins more parts. A tenant's quota allows far fewer, and
says so when the message is sent."""


class SendSmsParams(Params):
    text: Annotated[str, Field(min_length=1, max_length=MAX_SMS)]
    phone_type: Literal["auto", "work", "home", "mobile", "other"] = "auto"
    """`auto`: the first number of the contact, then of the company."""
    channel: Code | None = None
    """Code of the SMS channel; by default the tenant's first one."""


class SendSms(MessageToClient[SendSmsParams]):
    """An SMS to the client."""

    type = "send_sms"
    title = "Send an SMS"
    params = SendSmsParams
    kind = "sms"
    address = "a phone number"

    def addresses(self, client: Client) -> Iterable[tuple[str, str]]:
        return ((phone.number, phone.type) for phone in client.phones)

    def wanted(self, params: SendSmsParams) -> str:
        return params.phone_type

    def content(self, params: SendSmsParams) -> Mapping[str, Any]:
        return {"channel": params.channel, "text": params.text}


RULES: tuple[RuleType[Any], ...] = (SendSms(),)
