"""E-mail over SMTP.

The mail of one command is the same mail at every attempt: same Message-ID, same Date. What SMTP cannot exclude is said
in the README.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_string
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY
from email.utils import format_datetime
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib
import nh3
from opentelemetry.trace import SpanKind

from comms_service.domain.errors import PostponedError, RejectedError
from comms_service.domain.messages import Message
from comms_service.gateways.files import FileGateway
from comms_service.gateways.html_text import text_of
from comms_service.gateways.subjects import header_registry
from contracts.kit import telemetry
from contracts.values import FileRef

TIMEOUT_S = 30.0
_EXPECTED = "expected smtp://host:port or smtps://host:port"
NO_SMTPUTF8 = "the mail server takes no address with letters such as ü before the @ (SMTPUTF8): use another address"
QUIT_TIMEOUT_S = 2.0
_ABOUT_US = {502, 503, 530, 534, 535, 538}
"""Answers of 5xx that blame our greeting or our credentials, not the mail: an operator can mend that."""
_MEDIA_TYPE = re.compile(r"(?!multipart/|message/)([a-z0-9.+-]+)/([a-z0-9.+-]+)\s*(?:;|$)")
_SEPARATORS = re.compile(r"[\"<>()\[\]\\,:;@]|\s+")
MAX_NAME = 60
"""Characters of a display name: with its address it is folded at most between the two."""
_STYLES = {
    "background-color", "border", "border-collapse", "border-radius", "color", "font-family", "font-size", "font-style",
    "font-weight", "height", "line-height", "margin", "max-width", "padding", "text-align", "text-decoration",
    "vertical-align", "width",
}  # fmt: skip
_ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "*": {"style", "dir", "lang"}}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed in. `starttls`: true demands it, false never uses it, null uses it when offered."""

    host: str
    port: int
    tls: bool
    starttls: bool | None
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Reads `smtp[s]://[user:password@]host[:port][?starttls=true|false]`; raises `ValueError`."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(_EXPECTED)
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=_port(parts) or (465 if tls else 25),
            tls=tls,
            starttls=False if tls else _parse_starttls(parse_qs(parts.query)),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


def _port(parts: SplitResult) -> int | None:
    """What cannot be a port may be a password in the wrong place, which no error may show."""
    try:
        return parts.port
    except ValueError:
        raise ValueError(_EXPECTED) from None


def _parse_starttls(query: dict[str, list[str]]) -> bool | None:
    choices = {"true": True, "false": False}
    asked = query.pop("starttls", [])
    if query or any(text not in choices for text in asked):
        raise ValueError("the one option is starttls=true or starttls=false")
    return choices[asked[-1]] if asked else None


class MailGateway:
    """Sends mails; one connection each."""

    def __init__(self, server: SmtpServer, files: FileGateway) -> None:
        self._server = server
        self._files = files

    async def send(self, message: Message) -> str | None:
        """The mail's Message-ID."""
        contents = await self._files.read(message.tenant, message.attachments)
        mail = await asyncio.to_thread(build_mail, message, contents)  # megabytes may be encoded
        refuse_other_addresses(mail, message)
        await self._hand_in(mail)
        return str(mail["Message-ID"])

    async def _hand_in(self, mail: EmailMessage) -> None:
        attributes = {"server.address": self._server.host, "server.port": self._server.port}
        with telemetry.span("send mail", kind=SpanKind.CLIENT, attributes=attributes):
            await self._talk(mail)

    async def _talk(self, mail: EmailMessage) -> None:
        client = await self._connect()
        try:
            await client.send_message(mail)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise judge(error) from error
        else:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_TIMEOUT_S)
        finally:
            client.close()

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.starttls,
            username=server.user,
            password=server.password,
            timeout=TIMEOUT_S,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise PostponedError(f"the mail server cannot be used ({type(error).__name__})", reached=False) from error
        return client


def judge(error: aiosmtplib.SMTPException | OSError) -> RejectedError | PostponedError:
    """What it means when handing in fails: an answer of 5xx is for good; without an answer nobody knows."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return judge(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return RejectedError(NO_SMTPUTF8)
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return PostponedError(f"the connection to the mail server was lost ({type(error).__name__})", reached=True)
    if error.code // 100 == 5 and error.code not in _ABOUT_US:
        return RejectedError(f"the mail server refused {_what(error)} for good ({error.code})")
    return PostponedError(f"the mail server refused {_what(error)} for now ({error.code})", reached=False)


def _what(error: aiosmtplib.SMTPResponseException) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        return "the recipient"
    return "the sender" if isinstance(error, aiosmtplib.SMTPSenderRefused) else "the mail"


def build_mail(message: Message, contents: Sequence[bytes]) -> EmailMessage:
    """The mail as it goes out; `contents` are those of the attachments, in order."""
    mail = EmailMessage(policy=SMTP_POLICY.clone(header_factory=header_registry()))
    sender = message.sender_address or ""
    mail["From"] = _address(message.sender_name, sender)
    mail["To"] = _address(message.to_name, message.to_address)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.provider_key}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    _set_body(mail, message)
    for file, content in zip(message.attachments, contents, strict=True):
        _attach(mail, file, content)
    return mail


def _address(name: str, address: str) -> Address:
    """By its parts: read from one text, a mailbox with other letters than ASCII's would be a defect."""
    username, _, domain = address.rpartition("@")
    return Address(plain_name(name), username, domain)


def plain_name(name: str) -> str:
    """A display name that no folding can turn into another address: without what separates or quotes addresses."""
    plain = " ".join(_SEPARATORS.sub(" ", name).split())
    return plain if len(plain) <= MAX_NAME else f"{plain[: MAX_NAME - 1].rstrip()}…"


def refuse_other_addresses(mail: EmailMessage, message: Message) -> None:
    """Reads the header's bytes back as a server would. Raises `RejectedError` when they name another address."""
    ascii = f"{message.sender_address}{message.to_address}".isascii()
    policy = SMTP_POLICY if ascii else SMTPUTF8_POLICY
    written = b"".join(policy.fold_binary(header, mail[header]) for header in ("From", "To"))
    read = message_from_string(written.decode(), policy=policy)
    for header, meant in (("From", message.sender_address or ""), ("To", message.to_address)):
        if [one.addr_spec for one in read[header].addresses] != [meant]:
            raise RejectedError(f"the mail's {header} line cannot be written so that it names one address")


def _set_body(mail: EmailMessage, message: Message) -> None:
    if message.html is None:
        mail.set_content(message.text)
        return
    clean = clean_html(message.html)
    mail.set_content(message.text or text_of(clean))
    mail.add_alternative(clean, subtype="html")


def _attach(mail: EmailMessage, file: FileRef, content: bytes) -> None:
    match = _MEDIA_TYPE.match(file.media_type.lower())
    kind, subtype = match.groups() if match else ("application", "octet-stream")
    mail.add_attachment(content, maintype=kind, subtype=subtype, filename=file.name)


def clean_html(text: str) -> str:
    """Without scripts, forms, frames, event handlers and dangerous links; simple styles stay."""
    return nh3.clean(
        text,
        attributes=_ATTRIBUTES,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel"},
    )
