"""The peers behave as the outside world does: they keep what they accept, call back signed, and fail when told to."""

from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from smtplib import SMTP, SMTPDataError, SMTPServerDisconnected
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from standardwebhooks import Webhook

from local_stack.addresses import PEERS
from local_stack.peers.sms import count_parts
from local_stack.stack import Stack
from support.own_stack import own_stack
from support.waiting import until


class Receiver:
    """An HTTP server that answers what it is told and remembers the requests."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keeps quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def verified(self, secret: str) -> list[Any]:
        """The bodies; raises when a signature is wrong."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def peers(session_folder: Path) -> Iterator[Stack]:
    with own_stack(session_folder / "peers") as stack:
        stack.start(PEERS)
        yield stack


@pytest.fixture
def mail(peers: Stack) -> Iterator[httpx.Client]:
    yield from _client(peers, "mail", "mails")


@pytest.fixture
def sms(peers: Stack) -> Iterator[httpx.Client]:
    yield from _client(peers, "sms", "messages")


@pytest.mark.verify
def test_a_mail_is_kept_with_its_text_and_attachment_also_across_a_kill(peers: Stack, mail: httpx.Client) -> None:
    recipient = "anna@example.com"
    _deliver(peers, _letter(recipient))
    peers.kill(["mail"])
    peers.start(["mail"])
    _deliver(peers, _letter("other@example.com"))
    [found] = mail.get("/mails", params={"to": recipient}).json()
    assert found["subject"] == "Your invoice"
    assert found["message_id"] == f"<to-{recipient}>"
    assert found["received_at"].endswith("+00:00")
    read = mail.get(f"/mails/{found['id']}").json()
    assert read["text"].strip() == "Dear Anna, übrigens:"
    assert read["attachments"] == [{"filename": "invoice.pdf", "content_type": "application/pdf", "size": 8}]
    assert b"Subject: Your invoice" in mail.get(f"/mails/{found['id']}/raw").content


def test_an_unknown_mail_is_not_found(mail: httpx.Client) -> None:
    assert mail.get(f"/mails/{uuid4()}").status_code == 404


@pytest.mark.parametrize(("behaviour", "code"), [("refuse_temporarily", 451), ("refuse_for_good", 550)])
def test_a_mail_server_that_refuses_keeps_nothing(peers: Stack, mail: httpx.Client, behaviour: str, code: int) -> None:
    mail.put("/mode", json={"behaviour": behaviour, "times": 1})
    with pytest.raises(SMTPDataError) as refused:
        _deliver(peers, _letter("anna@example.com"))
    assert refused.value.smtp_code == code
    assert mail.get("/mails").json() == []
    _deliver(peers, _letter("anna@example.com"))
    assert len(mail.get("/mails").json()) == 1


def test_a_mail_may_be_kept_although_its_sender_never_heard_so(peers: Stack, mail: httpx.Client) -> None:
    mail.put("/mode", json={"behaviour": "drop_before_reply", "times": 1})
    with pytest.raises(SMTPServerDisconnected):
        _deliver(peers, _letter("anna@example.com"))
    assert len(mail.get("/mails").json()) == 1


def test_a_mail_server_may_hang_up_right_after_it_accepted(peers: Stack, mail: httpx.Client) -> None:
    mail.put("/mode", json={"behaviour": "drop_after_reply", "times": 1})
    with SMTP("127.0.0.1", peers.addresses.port("smtp")) as client:
        assert client.send_message(_letter("anna@example.com")) == {}
        with pytest.raises(SMTPServerDisconnected):
            until(lambda: client.noop()[0] != 250)
    assert len(mail.get("/mails").json()) == 1


def test_the_same_sms_key_is_sent_once_also_across_a_kill(peers: Stack, sms: httpx.Client) -> None:
    first = _send(peers, sms, "key-1")
    peers.kill(["sms"])
    peers.start(["sms"])
    again = _send(peers, sms, "key-1")
    other = _send(peers, sms, "key-2")
    assert (first.status_code, first.json()["parts"]) == (202, 1)
    assert first.json() == again.json() != other.json()
    assert len(sms.get("/messages").json()) == 2
    assert sms.get("/duplicates").json() == {"count": 1}


def test_an_sms_without_the_customers_token_is_refused(peers: Stack, sms: httpx.Client) -> None:
    assert _send(peers, sms, "key", token="wrong").status_code == 401
    assert sms.get("/messages").json() == []


def test_an_sms_gets_a_signed_receipt_again_until_it_is_taken(
    peers: Stack, sms: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = [500]
    sent = _send(peers, sms, "key", callback_url=receiver.url).json()
    until(lambda: sms.get("/messages").json()[0]["receipt_at"] is not None)
    told = receiver.verified(peers.credentials.secrets.sms_webhook_secret)
    assert [(each["id"], each["reference"], each["status"]) for each in told] == [(sent["id"], "r1", "delivered")] * 2
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


def test_a_receipt_that_was_owed_when_the_provider_was_killed_is_sent_later(
    peers: Stack, sms: httpx.Client, receiver: Receiver
) -> None:
    receiver.answers = [500] * 3
    _send(peers, sms, "key", callback_url=receiver.url)
    until(lambda: len(receiver.requests) > 0)
    peers.kill(["sms"])
    receiver.answers = []
    peers.start(["sms"])
    until(lambda: sms.get("/messages").json()[0]["receipt_at"] is not None)


def test_an_sms_provider_fails_limits_and_reports_what_was_not_delivered(
    peers: Stack, sms: httpx.Client, receiver: Receiver
) -> None:
    sms.put("/mode", json={"behaviour": "fail", "times": 1})
    assert _send(peers, sms, "key").status_code == 500
    sms.put("/mode", json={"behaviour": "limit", "times": 1, "retry_after_s": 7})
    limited = _send(peers, sms, "key")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    sms.put("/mode", json={"behaviour": "undelivered", "times": 1})
    assert _send(peers, sms, "key", callback_url=receiver.url).status_code == 202
    until(lambda: len(receiver.requests) > 0)
    [told] = receiver.verified(peers.credentials.secrets.sms_webhook_secret)
    assert told["status"] == "undelivered"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
    ],
)
def test_a_text_takes_as_many_messages_as_the_phone_network_says(text: str, parts: int) -> None:
    assert count_parts(text) == parts


def test_a_payment_is_called_back_twice_with_one_id_and_a_valid_signature(peers: Stack, receiver: Receiver) -> None:
    receiver.answers = [204, 409]
    order = {"amount": 125_00, "currency": "EUR", "callback_url": receiver.url}
    answer = httpx.post(f"{peers.addresses.url('payments')}/payments/p-1/pay", json=order)
    assert answer.json()["calls"] == [204, 409]
    first, second = receiver.verified(peers.credentials.secrets.payment_secret)
    assert first == second == answer.json()["sent"]
    assert (first["payment_id"], first["status"], first["amount"], first["currency"]) == ("p-1", "paid", 12500, "EUR")
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


def test_a_payment_call_that_nobody_answers_is_told_as_null(peers: Stack, receiver: Receiver) -> None:
    order = {
        "amount": 1,
        "currency": "EUR",
        "times": 1,
        "callback_url": f"http://127.0.0.1:{peers.addresses.port_base}",
    }
    answer = httpx.post(f"{peers.addresses.url('payments')}/payments/p-2/pay", json=order)
    assert answer.json()["calls"] == [None]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_come_back_as_a_tree(peers: Stack, compression: Compression) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{peers.addresses.url('traces')}/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    marker = uuid4().hex
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("order") as order, tracer.start_as_current_span("pay", attributes={"m": marker}):
        trace_id = format(order.get_span_context().trace_id, "032x")
    provider.shutdown()
    found = httpx.get(f"{peers.addresses.url('traces')}/traces/{trace_id}").json()
    [root] = found["roots"]
    [child] = root["children"]
    assert (found["spans"], root["name"], root["service"], child["name"]) == (2, "order", "shop", "pay")
    assert child["attributes"] == {"m": marker}
    listed = httpx.get(f"{peers.addresses.url('traces')}/traces", params={"attr": f"m={marker}"}).json()
    assert [each["trace_id"] for each in listed] == [trace_id]


def _client(stack: Stack, peer: str, collection: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.addresses.url(peer)) as client:
        client.delete(f"/{collection}").raise_for_status()
        client.put("/mode", json={}).raise_for_status()
        yield client


def _letter(to: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "shop@example.com", to, "Your invoice"
    letter["Message-ID"] = f"<to-{to}>"
    letter.set_content("Dear Anna, übrigens:")
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="invoice.pdf")
    return letter


def _deliver(stack: Stack, letter: EmailMessage) -> None:
    with SMTP("127.0.0.1", stack.addresses.port("smtp")) as client:
        client.send_message(letter)


def _send(
    stack: Stack, client: httpx.Client, key: str, token: str | None = None, callback_url: str | None = None
) -> httpx.Response:
    token = token or stack.credentials.secrets.sms_token
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    body = {"to": "+49301234567", "text": "Hello", "reference": "r1", "callback_url": callback_url}
    return client.post("/messages", json=body, headers=headers)
