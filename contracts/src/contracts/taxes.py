"""The net amounts, taxes and totals of product rows, computed in one place for items, documents and payments.

A row's price x quantity less discount is rounded to minor units, as it is printed: to its net amount, or, where the
price has the tax in it, to its total. `per_rate` then takes the tax of each rate from the sum of its rows, rounded once
(EN 16931: BT-131, BR-CO-10, BR-CO-17); `per_row` takes it from each row, rounded each time. What rows with the tax
included come to is always the sum of their totals, since that is what the client was told.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from uuid import UUID

from contracts.contexts import ProductContext
from contracts.messages.product_commands import NewProduct
from contracts.values import Money, TaxRounding

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""More digits than any product of a price, a quantity and two percentages has."""


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate in minor units, and the net amount that it belongs to."""

    percent: Decimal
    net: int
    amount: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What rows of one currency come to, in minor units; `taxes` by rate, lowest first, 0 % included."""

    currency: str
    net: int
    taxes: tuple[Tax, ...]

    @property
    def tax(self) -> int:
        return sum(tax.amount for tax in self.taxes)

    @property
    def total(self) -> int:
        return self.net + self.tax


def product_row(wanted: NewProduct, id: UUID | None) -> ProductContext:
    """The row with its amounts, rounded half up to minor units."""
    amount = _less_discount(wanted.price.amount, wanted.quantity, wanted.discount_percent)
    percent, included = wanted.tax_percent, wanted.tax_included
    tax = tax_inside(amount, percent) if included else tax_of(amount, percent)
    net, total = (amount - tax, amount) if included else (amount, amount + tax)
    money = wanted.price.currency
    return ProductContext(
        **dict(wanted), id=id, net=Money(amount=net, currency=money), total=Money(amount=total, currency=money)
    )


def _less_discount(price: int, quantity: Decimal, discount_percent: Decimal) -> int:
    with localcontext(_EXACT):
        return _rounded(price * quantity * (100 - discount_percent) / 100)


def tax_of(net: int, percent: Decimal) -> int:
    """The tax on a net amount, in minor units, rounded half up."""
    with localcontext(_EXACT):
        return _rounded(net * percent / 100)


def tax_inside(total: int, percent: Decimal) -> int:
    """The tax that is part of a total, in minor units, rounded half up."""
    with localcontext(_EXACT):
        return _rounded(total * percent / (100 + percent))


def _rounded(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1)))


def totals(rows: Iterable[ProductContext], rounding: TaxRounding) -> list[Totals]:
    """One for each currency, in the order in which the rows name them; nothing without rows."""
    found: dict[str, dict[Decimal, list[ProductContext]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.net.currency][row.tax_percent].append(row)
    return [_totals(currency, by_rate, rounding) for currency, by_rate in found.items()]


def _totals(currency: str, rows: dict[Decimal, list[ProductContext]], rounding: TaxRounding) -> Totals:
    taxes = tuple(_of_rate(percent, rows[percent], rounding) for percent in sorted(rows))
    return Totals(currency, sum(tax.net for tax in taxes), taxes)


def _of_rate(percent: Decimal, rows: list[ProductContext], rounding: TaxRounding) -> Tax:
    nets = [row.net.amount for row in rows if not row.tax_included]
    gross = [row.total.amount for row in rows if row.tax_included]
    on_top = sum(tax_of(base, percent) for base in _bases(nets, rounding))
    inside = sum(tax_inside(base, percent) for base in _bases(gross, rounding))
    return Tax(percent, sum(nets) + sum(gross) - inside, on_top + inside)


def _bases(amounts: list[int], rounding: TaxRounding) -> list[int]:
    return [sum(amounts)] if rounding == "per_rate" else amounts
