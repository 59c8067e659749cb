"""Amounts of money in words."""

from typing import Any

import pytest
from babel import Locale

from doc_service.domain.words import in_words, words

SAID = [
    ("en", 123456, "EUR", "one thousand, two hundred and thirty-four euros 56/100"),
    ("en", 100, "USD", "one US dollar"),
    ("en", 1234, "JPY", "one thousand, two hundred and thirty-four Japanese yen"),
    ("en", 1234005, "KWD", "one thousand, two hundred and thirty-four Kuwaiti dinars 005/1000"),
    ("en", 0, "EUR", "zero euros"),
    ("de", 100, "EUR", "ein Euro"),
    ("de", 10100, "EUR", "einhundertein Euro"),
    ("de", 2100, "EUR", "einundzwanzig Euro"),
    ("es", 2100, "EUR", "veintiún euros"),
    ("es", 10100, "EUR", "ciento un euros"),
    ("es", 100_000_000, "EUR", "un millón de euros"),
    ("fr", 8000, "EUR", "quatre-vingts euros"),
    ("fr", 200_000_000, "EUR", "deux millions d\u2019euros"),
    ("fr", 200_000_000, "USD", "deux millions de dollars des États-Unis"),
    ("it", 100, "EUR", "un euro"),
    ("it", 100_000_000, "EUR", "un milione di euro"),
    ("pl", 500, "PLN", "pięć złotych polskich"),
    ("pl", 2200, "PLN", "dwadzieścia dwa złote polskie"),
    ("vi", 1_234_000, "VND", "một triệu hai trăm ba mươi bốn nghìn đồng Việt Nam"),
    ("pt_BR", 200_000_000, "BRL", "dois milhões de Reais brasileiros"),
]


@pytest.mark.parametrize(("language", "amount", "currency", "said"), SAID)
def test_whole_units_are_words_and_minor_ones_a_fraction(language: str, amount: int, currency: str, said: str) -> None:
    money = {"amount": amount, "currency": currency}
    found = in_words(money, Locale.parse(language))
    assert found is not None
    assert found.lower() == said.lower()


@pytest.mark.parametrize(("language", "amount"), [("zh", 100), ("en", -150), ("en_IN", 10**30)])
def test_what_has_no_words_has_none(language: str, amount: int) -> None:
    assert in_words({"amount": amount, "currency": "EUR"}, Locale.parse(language)) is None


def test_of_a_document_only_its_money_is_left_and_no_rows() -> None:
    one: dict[str, Any] = {"amount": 100, "currency": "EUR"}
    data = {
        "item": {"title": "Oak table", "amount": one, "fields": {"deposit": one, "floor": 3}},
        "products": [{"price": one}],
        "totals": [{"net": one, "taxes": [{"percent": "19", "amount": one}], "total": one}],
        "contact": {"name": "Mary"},
    }
    said = "one euro"
    assert words(data, Locale.parse("en")) == {
        "item": {"amount": said, "fields": {"deposit": said}},
        "totals": [{"net": said, "taxes": [{"amount": said}], "total": said}],
    }
