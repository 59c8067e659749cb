"""A QR code that a bank's app reads as a transfer, for what is paid in euros to an IBAN.

Source: European Payments Council, EPC069-12, "Quick Response Code: Guidelines to Enable Data Capture for the
Initiation of a SEPA Credit Transfer", version 2.1.
"""

import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from segno.helpers import make_epc_qr
from stdnum import iban

from contracts.texts import shown_on_one_line

MOST = 99_999_999_999
"""Cents."""
_LONGEST_NAME = 70


def payment_code(data: Mapping[str, Any], totals: Sequence[Mapping[str, Any]], number: str) -> str:
    """The code as SVG: the one total goes to the account of `my_company`, with the document's number as reference.

    Empty where that is no such transfer: another currency or several, nothing to pay, no IBAN, nobody to pay to; and
    where name and number are too long for one: 331 bytes in all.
    """
    mine = data.get("my_company")
    cents = _cents(totals)
    if not isinstance(mine, Mapping) or not 0 < cents <= MOST:
        return ""
    name, account = shown_on_one_line(str(mine.get("name") or "")), str(mine.get("account") or "")
    if not name or not iban.is_valid(account):
        return ""
    euros = Decimal(cents).scaleb(-2)
    try:
        code = make_epc_qr(name[:_LONGEST_NAME], iban.compact(account), euros, text=number, encoding="utf-8")
    except ValueError:
        return ""
    drawing = io.BytesIO()
    code.save(drawing, kind="svg", xmldecl=False, border=0)
    return drawing.getvalue().decode()


def _cents(totals: Sequence[Mapping[str, Any]]) -> int:
    """Those of the one total, which a command may have given any value; 0 where it is not in euros."""
    match totals:
        case [{"total": {"amount": int(amount), "currency": "EUR"}}]:
            return amount
    return 0
