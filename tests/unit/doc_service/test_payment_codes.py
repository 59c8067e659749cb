"""The QR code of a transfer."""

import io
from typing import Any
from uuid import UUID

import pytest
import segno

from contracts.kit.shares import Shares
from doc_service.builtin import load_templates
from doc_service.domain.documents import template_inputs
from doc_service.domain.payment_codes import payment_code
from doc_service.domain.sample import sample_document
from doc_service.gateways.typesetter import Typesetter

IBAN = "DE89 3704 0044 0532 0130 00"
INVOICE = load_templates()["invoice"]


def coded(**changed: Any) -> str:
    mine = {"name": "Sample Furniture GmbH", "account": IBAN} | changed.pop("mine", {})
    total = {"amount": 203847, "currency": "EUR"} | changed
    return payment_code({"my_company": mine}, [{"total": total}], "INV-2026-0001")


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "USD"},
        {"amount": 0},
        {"amount": -5},
        {"amount": "5"},
        {"amount": None},
        {"amount": 10**12},
        {"mine": {"account": "DE00 3704 0044 0532 0130 00"}},
        {"mine": {"account": ""}},
        {"mine": {"name": ""}},
    ],
)
def test_what_is_no_such_transfer_has_no_code(changed: dict[str, Any]) -> None:
    assert coded() != ""
    assert coded(**changed) == ""


def test_what_is_too_long_for_a_code_has_none() -> None:
    mine = {"name": "\U0001f600" * 70, "account": IBAN}
    assert payment_code({"my_company": mine}, [{"total": {"amount": 1, "currency": "EUR"}}], "\u684c" * 60) == ""


def test_several_currencies_and_no_company_have_no_code() -> None:
    euros = {"total": {"amount": 100, "currency": "EUR"}}
    assert payment_code({"my_company": {"name": "A", "account": IBAN}}, [euros, euros], "1") == ""
    assert payment_code({}, [euros], "1") == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Sample Furniture GmbH", "Sample Furniture GmbH"),
        ("x" * 200, "x" * 70),
        ("Fürniture \u684c\u5b50", "Fürniture \u684c\u5b50"),
        ("A\nDE00\r\n\x00B", "A DE00 B"),
    ],
)
def test_a_bank_reads_who_is_paid_what_and_why(name: str, said: str) -> None:
    wanted = ["BCD", "002", "1", "SCT", "", said, "DE89370400440532013000", "EUR2038.47", "", "", "INV-2026-0001"]
    expected = io.BytesIO()
    code = segno.make_qr("\n".join(wanted), error="m", boost_error=False, encoding="utf-8")
    code.save(expected, kind="svg", xmldecl=False, border=0)
    assert coded(mine={"name": name}) == expected.getvalue().decode()


async def test_the_invoice_shows_it() -> None:
    sizes = []
    for account in (IBAN, "none"):
        document = sample_document(INVOICE, {"my_company.account": account})
        inputs = template_inputs(document)
        made = await Typesetter(Shares("render", 1)).set(UUID(int=7), INVOICE.source, inputs, document.created_at)
        sizes.append(len(made.pdf))
    assert sizes[0] > sizes[1] + 2_000
