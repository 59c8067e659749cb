"""The sums below a list of products, in whole minor units."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from contracts.contexts import ProductContext


def totals(products: Iterable[ProductContext], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per currency: `{net, taxes: [{percent, amount}], total}`, money as `{amount, currency}`.

    A row's total includes its tax, so the tax in it is total * percent / (100 + percent), rounded half up per row.
    Without products the item's own amount is the total.
    """
    by_currency: dict[str, list[ProductContext]] = defaultdict(list)
    for product in products:
        by_currency[product.total.currency].append(product)
    if not by_currency:
        return _of_amount(data)
    return [_sum(currency, rows) for currency, rows in by_currency.items()]


def _sum(currency: str, rows: list[ProductContext]) -> dict[str, Any]:
    taxes: dict[Decimal, int] = defaultdict(int)
    for row in rows:
        taxes[row.tax_percent.normalize()] += _tax(row)
    total = sum(row.total.amount for row in rows)
    return {
        "net": _money(total - sum(taxes.values()), currency),
        "taxes": [
            {"percent": f"{percent:f}", "amount": _money(amount, currency)}
            for percent, amount in sorted(taxes.items())
            if percent
        ],
        "total": _money(total, currency),
    }


def _tax(row: ProductContext) -> int:
    exact = row.total.amount * row.tax_percent / (100 + row.tax_percent)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _of_amount(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    item = data.get("item")
    amount = item.get("amount") if isinstance(item, Mapping) else None
    return [{"net": amount, "taxes": [], "total": amount}] if amount else []
