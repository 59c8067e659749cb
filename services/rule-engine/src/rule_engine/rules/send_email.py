"""A rule that sends an e-mail."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from contracts.values import Code, FileRef
from rule_engine.domain.actions import Params, RuleType, Title
from rule_engine.rules.communication import Client, MessageToClient


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


class SendEmail(MessageToClient[SendEmailParams]):
    """An e-mail to the client."""

    type = "send_email"
    title = "Send an e-mail"
    params = SendEmailParams
    kind = "email"
    address = "an e-mail address"

    def html_in(self, params: Mapping[str, JsonValue]) -> Collection[str]:
        return ("text",) if params.get("html", False) is not False else ()

    def addresses(self, client: Client) -> Iterable[tuple[str, str]]:
        return ((email.address, email.type) for email in client.emails)

    def wanted(self, params: SendEmailParams) -> str:
        return params.address_type

    def content(self, params: SendEmailParams) -> Mapping[str, Any]:
        said = {"html": params.text} if params.html else {"text": params.text}
        return {"channel": params.channel, "subject": params.subject, "attachments": params.attachments} | said


RULES: tuple[RuleType[Any], ...] = (SendEmail(),)
