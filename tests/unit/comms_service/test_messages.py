"""What may be sent, and how far a message has come."""

from itertools import product
from typing import Any, get_args
from uuid import UUID

import pytest

from comms_service.domain.errors import UnusableError
from comms_service.domain.messages import check_message, is_further
from comms_service.domain.notifications import check_notification
from contracts.messages.comms import MessageStatus, Notify, SendMessage
from contracts.values import FileRef

ITEM = UUID("00000000-0000-7000-8000-000000000001")
FILE = FileRef(file_id=ITEM, name="offer.pdf", sha256="0" * 64)


def send(**changes: Any) -> SendMessage:
    values: dict[str, Any] = {"item_id": ITEM, "kind": "email", "to": "a@example.org", "text": "Hi", "sent_by": "rule"}
    return SendMessage(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Offer\x00"},
        {"subject": "Offer \x96 table"},
        {"to_name": "Name\x1b[2J"},
        {"sent_by": "rule\x7f"},
        {"text": "nothing\x00"},
        {"html": "<p>\x00</p>"},
        {"attachments": (FILE.model_copy(update={"name": "a\x08b.pdf"}),)},
        {"attachments": (FILE.model_copy(update={"media_type": "text/plain\x00"}),)},
        {"text": ""},
        {"kind": "sms", "text": "  "},
        {"kind": "sms", "attachments": (FILE,)},
        {"kind": "sms", "html": "<p>Hi</p>"},
    ],
)
def test_what_cannot_be_sent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableError):
        check_message(send(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Ihr Angebot: 🪑👩\u200d👧 «Eiche»"},
        {"text": "two\nlines"},
        {"text": "", "attachments": (FILE,)},
        {"kind": "sms"},
    ],
)
def test_what_people_write_is_accepted(changes: dict[str, Any]) -> None:
    check_message(send(**changes))


def test_names_and_subjects_are_written_on_one_line_and_end_no_header() -> None:
    file = FILE.model_copy(update={"name": "a\r\nb.pdf"})
    made = check_message(
        send(subject="Offer\r\nBcc: x@example.org\u2028", to_name="Anna\tMu\u0308ller\xa0", attachments=(file,))
    )
    assert made.subject == "Offer Bcc: x@example.org"
    assert made.to_name == "Anna Müller"
    assert made.attachments[0].name == "a b.pdf"


def test_a_refusal_names_the_character_and_its_place() -> None:
    with pytest.raises(UnusableError, match=r"^subject: contains the control character U\+0096 as character 7"):
        check_message(send(subject="Offer \x96 table"))


@pytest.mark.parametrize("changes", [{"recipients": ()}, {"title": "\x00"}, {"text": "a\x00"}, {"sender": "\x00"}])
def test_a_notification_needs_recipients_and_storable_words(changes: dict[str, Any]) -> None:
    with pytest.raises(UnusableError):
        check_notification(Notify(**({"recipients": (ITEM,), "text": "Look"} | changes)))


def test_a_status_only_goes_forwards() -> None:
    allowed = {
        ("queued", "accepted"), ("queued", "failed"), ("queued", "delivered"), ("queued", "undelivered"),
        ("queued", "refused"), ("queued", "cancelled"), ("accepted", "delivered"), ("accepted", "undelivered"),
        ("failed", "delivered"), ("failed", "undelivered"),
    }  # fmt: skip
    between_ends = {"queued", "accepted", "failed", "delivered", "undelivered"}
    for old, new in product(get_args(MessageStatus), repeat=2):
        if old in between_ends and (new in between_ends or old == "queued"):
            assert is_further(new, old) == ((old, new) in allowed), (old, new)


@pytest.mark.parametrize("status", get_args(MessageStatus))
def test_refused_and_cancelled_are_final(status: MessageStatus) -> None:
    assert not is_further(status, "refused")
    assert not is_further(status, "cancelled")
