"""What a template is given to print."""

import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doc_service.builtin import load_templates
from doc_service.domain.documents import override, template_inputs
from doc_service.domain.errors import DataError
from doc_service.domain.printing import Printer, find_locale
from doc_service.domain.sample import sample_document
from doc_service.domain.totals import totals

INVOICE = load_templates()["invoice"]


def printed(language: str, fields: dict[str, Any]) -> Any:
    inputs = template_inputs(sample_document(replace(INVOICE, language=language), fields))
    return json.loads(inputs["printed"])


@pytest.mark.parametrize(
    ("language", "total", "day"),
    [
        ("en", "€1,285.20", "March 2, 2026"),
        ("de", "1.285,20\xa0€", "2. März 2026"),
        ("pt-BR", "€\xa01.285,20", "2 de março de 2026"),
    ],
)
def test_money_and_dates_are_printed_for_the_language(language: str, total: str, day: str) -> None:
    texts = printed(language, {})
    assert texts["products"][0]["total"] == total
    assert texts["document"] == {"number": "INV-2026-0001", "title": "Invoice", "date": day}


def test_a_currency_has_its_own_decimals() -> None:
    texts = printed("en", {"item.amount": {"amount": 1200, "currency": "JPY"}})
    assert texts["item"]["amount"] == "¥1,200"


def test_times_are_printed_in_the_time_zone_of_the_document() -> None:
    printer = Printer(find_locale("de"), ZoneInfo("Europe/Berlin"))
    assert printer.text("2026-07-01T22:30:00Z") == "2. Juli 2026, 00:30"


@pytest.mark.parametrize("text", ["2026-13-45", "INV-2026-0001", "+4930555012", "2026-03-02 or later", ""])
def test_texts_that_only_look_like_dates_stay(text: str) -> None:
    assert Printer(find_locale("en"), ZoneInfo("UTC")).text(text) == text


def test_numbers_of_products_are_printed_and_others_stay() -> None:
    texts = printed("de", {"item.fields": {"floor": 3, "quantity": "1.5"}})
    assert texts["products"][0]["discount_percent"] == "10\xa0%"
    assert texts["item"]["fields"] == {"floor": 3, "quantity": "1.5"}


def test_the_raw_data_keeps_its_values() -> None:
    data = json.loads(template_inputs(sample_document(INVOICE, {}))["data"])
    assert data["products"][0]["total"] == {"amount": 128520, "currency": "EUR"}
    assert data["document"]["date"] == "2026-03-02"


def test_the_totals_are_net_amount_tax_and_their_sum() -> None:
    (sums,) = json.loads(template_inputs(sample_document(INVOICE, {}))["data"])["totals"]
    assert sums == {
        "net": {"amount": 171300, "currency": "EUR"},
        "taxes": [{"percent": "19", "amount": {"amount": 32547, "currency": "EUR"}}],
        "total": {"amount": 203847, "currency": "EUR"},
    }


def test_without_products_the_amount_of_the_item_is_the_total() -> None:
    amount = {"amount": 5000, "currency": "EUR"}
    assert totals((), {"item": {"amount": amount}}) == [{"net": amount, "taxes": [], "total": amount}]
    assert totals((), {"item": {"amount": None}}) == []


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(DataError, match="'klingon'"):
        find_locale("klingon")


def test_a_field_is_put_where_its_path_says() -> None:
    data = {"company": {"title": "A", "address": "B"}, "note": None}
    changed = override(data, {"company.address": "C", "due_date": "2026-05-01", "note.text": "D"})
    assert changed == {
        "company": {"title": "A", "address": "C"},
        "due_date": "2026-05-01",
        "note": {"text": "D"},
    }
    assert data["company"] == {"title": "A", "address": "B"}
