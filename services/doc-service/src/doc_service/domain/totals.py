"""The sums below a list of products, in whole minor units, as `contracts.taxes` computes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts import taxes
from contracts.contexts import ProductContext
from contracts.values import TaxRounding
from doc_service.domain.errors import DataError

_ROUNDING: TypeAdapter[TaxRounding] = TypeAdapter(TaxRounding)


def totals(products: Iterable[ProductContext], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per currency: `{net, taxes: [{percent, amount}], total}`, money as `{amount, currency}`.

    Tax is rounded as in the item, so the total is the item's amount unless that was given by hand. Without products
    the item's own amount is the total.
    """
    sums = taxes.totals(products, rounding_of(data))
    return [_printable(one) for one in sums] or _of_amount(data)


def rounding_of(data: Mapping[str, Any]) -> TaxRounding:
    """As `item.tax_rounding` says. Raises `DataError` when it says nothing that is known."""
    try:
        return _ROUNDING.validate_python(_item(data).get("tax_rounding", "per_rate"))
    except ValidationError as error:
        raise DataError("data.item.tax_rounding: is per_rate or per_row") from error


def _printable(sums: taxes.Totals) -> dict[str, Any]:
    return {
        "net": _money(sums.net, sums.currency),
        "taxes": [
            {"percent": f"{tax.percent.normalize():f}", "amount": _money(tax.amount, sums.currency)}
            for tax in sums.taxes
            if tax.percent
        ],
        "total": _money(sums.total, sums.currency),
    }


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _of_amount(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    amount = _item(data).get("amount")
    return [{"net": amount, "taxes": [], "total": amount}] if amount else []


def _item(data: Mapping[str, Any]) -> Mapping[str, Any]:
    item = data.get("item")
    return item if isinstance(item, Mapping) else {}
