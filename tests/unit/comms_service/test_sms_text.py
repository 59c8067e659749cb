"""How many parts an SMS has, and its blanks."""

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from comms_service.domain.messages import check_message
from comms_service.domain.sms_text import parts
from unit.comms_service.test_messages import send


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1530, 10),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),  # 76 in a part: no escape is parted from its character
        ("д" * 70, 1),
        ("д" * 71, 2),
        ("д" * 1530, 23),
        ("🪑" * 35, 1),
        ("🪑" * 67, 3),  # 33 in a part
        ("line\r\nline", 1),
    ],
)
def test_parts_are_counted_by_the_encoding(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize("language", ["de", "fr", "pl", "es", "it", "vi"])
def test_money_of_every_language_costs_an_sms_no_second_part(language: str) -> None:
    amount = format_currency(1234567.5, "EUR", locale=language)
    made = check_message(send(kind="sms", text=f"{amount} {'a' * 140}"))
    assert parts(made.text) == 1


def test_a_mail_keeps_its_blanks() -> None:
    assert check_message(send(text="5\xa0€")).text == "5\xa0€"


@given(st.text(max_size=400), st.text(max_size=400))
def test_more_text_never_has_fewer_parts(a: str, b: str) -> None:
    assert parts(a) <= parts(a + b)
