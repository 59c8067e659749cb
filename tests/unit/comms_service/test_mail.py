"""How a mail is built, where it is handed in, and what a mail server's answers mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import aiosmtplib
import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import example, given
from hypothesis import strategies as st

from comms_service.domain.errors import PostponedError, RejectedError
from comms_service.domain.messages import Message
from comms_service.gateways.files import FileGateway
from comms_service.gateways.mail import MailGateway, SmtpServer, build_mail, clean_html, judge, refuse_other_addresses
from contracts.values import FileRef

COMMAND = UUID("00000000-0000-7000-8000-0000000000c0")
FILE = FileRef(file_id=COMMAND, name="Angebot Nr. 7 «Eiche».pdf", sha256="0" * 64, media_type="application/pdf")
MESSAGE = Message(
    id=UUID("00000000-0000-7000-8000-0000000000a0"),
    tenant=UUID("00000000-0000-7000-8000-0000000000a1"),
    command_id=COMMAND,
    item_id=UUID("00000000-0000-7000-8000-0000000000a2"),
    contact_id=None,
    kind="email",
    channel="office",
    sender_address="office@shop.example",
    sender_name="Möbel, Holz & Co",
    to_address="client@example.org",
    to_name='The "Client"',
    subject="Ihr Angebot für den Eichentisch",
    text="Grüße\nhttps://docs.example.com/d/1",
    html=None,
    attachments=(),
    sent_by="rule",
    status="queued",
    reason=None,
    cancel_asked=False,
    correlation="c",
    causepath="",
    root="r",
    traceparent=None,
    created_at=datetime(2030, 5, 17, 9, 30, tzinfo=UTC),
    opted_out_at=None,
)


def sent(message: Message = MESSAGE, *contents: bytes) -> EmailMessage:
    """The mail as its reader sees it, after a trip over the wire."""
    kafka_probe = build_mail(message, contents).as_bytes(policy=policy.SMTP.clone(cte_type="7bit"))
    read = message_from_bytes(kafka_probe, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


BLANKS = "ࠀ ࠀ Oak 000 𐀀 000 Bell 000 ¡0 For: ¡0 Oak ࠀ table 𐀀 00 Oak ¡ Oak For: 𐀀 ࠀ Oak 000"
"""One that the standard library's own folding gives a second blank."""


@pytest.mark.parametrize("subject", [BLANKS, "ü" * 500, "𐀀" * 500, "Oak " * 124 + "ü", "Oak table", "x" * 500])
@pytest.mark.parametrize("written", [policy.SMTP, policy.SMTPUTF8, policy.SMTP.clone(cte_type="7bit")])
def test_a_subject_is_read_as_it_was_sent(subject: str, written: policy.EmailPolicy) -> None:
    raw = build_mail(replace(MESSAGE, subject=subject), ()).as_bytes(policy=written)
    assert message_from_bytes(raw, policy=policy.default)["Subject"] == subject
    lines = [line for line in raw.split(b"\r\n") if line.startswith((b"Subject:", b" =?utf-8?b?"))]
    assert subject.isascii() or max(map(len, lines)) <= 76


def test_a_plain_mail_arrives_word_for_word() -> None:
    mail = sent()
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"].addresses[0].display_name == "Möbel Holz & Co"
    assert mail["To"].addresses[0].addr_spec == "client@example.org"
    assert body(mail, "plain") == MESSAGE.text + "\n"


def test_every_attempt_is_the_same_mail() -> None:
    assert sent()["Message-ID"] == f"<{MESSAGE.provider_key}@shop.example>"
    assert sent()["Date"] == "Fri, 17 May 2030 09:30:00 +0000"


def test_a_long_sender_domain_leaves_the_message_id_whole() -> None:
    domain = ".".join(["department" * 4] * 3) + ".example"
    kafka_probe = build_mail(replace(MESSAGE, sender_address=f"a@{domain}"), ()).as_bytes()
    assert f"<{MESSAGE.provider_key}@{domain}>".encode() in kafka_probe


def test_html_is_cleaned_and_has_a_plain_sibling() -> None:
    html = '<p style="color:red;position:fixed" onclick="x()">Hello &amp; <b>you</b></p><script>x()</script>'
    mail = sent(replace(MESSAGE, text="", html=html))
    assert body(mail, "html") == '<p style="color:red">Hello &amp; <b>you</b></p>\n'
    assert body(mail, "plain") == "Hello & you\n"


@pytest.mark.parametrize(
    "html",
    ['<a href="javascript:x()">x</a>', "<iframe src=https://example.com></iframe>", "<form action=x></form>",
     '<img src="data:text/html,x" onerror=x()>', "<svg onload=x()></svg>", "<style>@import x</style>"],
)  # fmt: skip
def test_nothing_that_runs_is_left_in_html(html: str) -> None:
    clean = clean_html(html)
    assert not any(word in clean for word in ("javascript", "iframe", "form", "data:", "onerror", "onload", "import"))


def test_attachments_keep_name_type_and_bytes() -> None:
    mail = sent(replace(MESSAGE, html="<p>Hi</p>", attachments=(FILE,)), b"%PDF-1.7 \x00\xff")
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == FILE.name
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == b"%PDF-1.7 \x00\xff"


@pytest.mark.parametrize("media_type", ["nonsense", "message/rfc822", "multipart/mixed", "/pdf", "text/plain x"])
def test_an_attachment_of_a_strange_type_is_just_bytes(media_type: str) -> None:
    file = FILE.model_copy(update={"media_type": media_type})
    (attached,) = sent(replace(MESSAGE, attachments=(file,)), b"\x80 bytes").iter_attachments()
    assert attached.get_content_type() == "application/octet-stream"


def test_parameters_of_an_attachments_type_are_left_out() -> None:
    file = FILE.model_copy(update={"media_type": "Text/CSV; charset=latin-1"})
    (attached,) = sent(replace(MESSAGE, attachments=(file,)), b"\x80;bytes").iter_attachments()
    assert attached.get_content_type() == "text/csv"
    assert attached.get_payload(decode=True) == b"\x80;bytes"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example:2525", ("mail.example", 2525, False, None, None, None)),
        ("smtp://mail.example", ("mail.example", 25, False, None, None, None)),
        ("smtp://u%40x:p%2Fw@mail.example:587?starttls=true", ("mail.example", 587, False, True, "u@x", "p/w")),
        ("smtp://mail.example?starttls=false", ("mail.example", 25, False, False, None, None)),
        ("smtps://mail.example", ("mail.example", 465, True, False, None, None)),
    ],
)
def test_the_mail_servers_url_is_read(url: str, expected: tuple[Any, ...]) -> None:
    assert SmtpServer.parse(url) == SmtpServer(*expected)


@pytest.mark.parametrize(
    "url", ["mail.example:25", "http://mail.example", "smtp://", "smtp://a?starttls=maybe", "smtp://a?tls=true"]
)
def test_a_url_of_another_shape_says_what_was_expected(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected smtp://|the one option is starttls"):
        SmtpServer.parse(url)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(SmtpServer.parse("smtp://user:secret@mail.example"))


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (aiosmtplib.SMTPServerDisconnected("gone"), True),
        (aiosmtplib.SMTPReadTimeoutError("slow"), True),
        (ConnectionResetError(), True),
        (aiosmtplib.SMTPDataError(451, "a@example.org later"), False),
        (aiosmtplib.SMTPSenderRefused(530, "log in first", "a@example.org"), False),
        (aiosmtplib.SMTPAuthenticationError(535, "a@example.org"), False),
        (aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(450, "busy", "a@example.org")]), False),
    ],
)
def test_what_may_pass_is_postponed(error: aiosmtplib.SMTPException | OSError, reached: bool) -> None:
    judged = judge(error)
    assert isinstance(judged, PostponedError)
    assert judged.reached is reached
    assert "example.org" not in str(judged)


@pytest.mark.parametrize(
    "error",
    [
        aiosmtplib.SMTPDataError(550, "a@example.org is unknown"),
        aiosmtplib.SMTPSenderRefused(550, "no", "a@example.org"),
        aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(550, "no", "a@example.org")]),
    ],
)
def test_an_answer_of_5xx_is_for_good(error: aiosmtplib.SMTPException) -> None:
    judged = judge(error)
    assert isinstance(judged, RejectedError)
    assert "example.org" not in str(judged)


_NAMES = st.text(st.sampled_from(" abcÄß王.,;:<>@()[]\"\\'=?!_-\u202e\u0301&x@evil.example"), max_size=300)


@given(name=_NAMES, sender=_NAMES)
@example(name="A" * 60 + " <boss@evil.example>, " + "B" * 60, sender="Shop")
@example(name="Shop", sender="x" * 79 + '<a@evil.example>, "' + "y" * 200)
@example(name="=?utf-8?q?a=40evil.example=2C?= <x@evil.example>", sender="")
@example(name="Dr. " * 70, sender="王" * 300)
def test_no_display_name_adds_an_address(name: str, sender: str) -> None:
    message = replace(MESSAGE, to_name=name, sender_name=sender)
    mail = sent(message)
    assert [one.addr_spec for one in mail["To"].addresses] == [MESSAGE.to_address]
    assert [one.addr_spec for one in mail["From"].addresses] == [MESSAGE.sender_address]
    refuse_other_addresses(build_mail(message, []), message)


def test_a_mail_that_would_name_another_address_is_refused() -> None:
    mail = build_mail(MESSAGE, [])
    mail.replace_header("To", "client@example.org, boss@evil.example")
    with pytest.raises(RejectedError, match="To line cannot be written"):
        refuse_other_addresses(mail, MESSAGE)


@dataclass
class Received:
    """Keeps what an SMTP server was given."""

    envelopes: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 taken"


@asynccontextmanager
async def smtp_server(*, utf8: bool) -> AsyncIterator[tuple[MailGateway, Received]]:
    received, loop = Received(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(received, enable_SMTPUTF8=utf8), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient() as http:
            yield (
                MailGateway(
                    SmtpServer.parse(f"smtp://127.0.0.1:{port}"), FileGateway(http, "http://doc.example", httpx.Auth())
                ),
                received,
            )
    finally:
        server.close()


ABROAD = replace(MESSAGE, to_address="jürgen.x@client.example", to_name="Jürgen X")


async def test_an_address_with_other_letters_is_served_where_the_server_offers_it() -> None:
    async with smtp_server(utf8=True) as (gateway, received):
        await gateway.send(ABROAD)
    (envelope,) = received.envelopes
    assert envelope.rcpt_tos == ["jürgen.x@client.example"]
    assert isinstance(envelope.content, bytes)
    assert "To: Jürgen X <jürgen.x@client.example>" in envelope.content.decode()


async def test_a_sender_with_other_letters_is_served_too() -> None:
    async with smtp_server(utf8=True) as (gateway, received):
        await gateway.send(replace(MESSAGE, sender_address="büro@shop.example"))
    assert received.envelopes[0].mail_from == "büro@shop.example"


async def test_else_the_mail_is_refused_at_once_with_the_reason() -> None:
    async with smtp_server(utf8=False) as (gateway, received):
        with pytest.raises(RejectedError, match="SMTPUTF8"):
            await gateway.send(ABROAD)
        await gateway.send(MESSAGE)
    assert len(received.envelopes) == 1
