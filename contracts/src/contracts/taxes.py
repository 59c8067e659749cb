"""The net amounts, taxes and totals of product rows, computed in one place for items, documents and payments.

A row's net amount is rounded to minor units, as it is printed. `per_rate` then takes the tax of each rate from the sum
of its rows, rounded once (EN 16931: BT-131, BR-CO-10, BR-CO-17); `per_row` takes it from each row, rounded each time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from contracts.contexts import ProductContext
from contracts.values import Money, TaxRounding

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""More digits than any product of a price, a quantity and two percentages has: only `_rounded` rounds."""


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate in minor units, and the net amount that it is taken from."""

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


def net_of(price: Money, quantity: Decimal, discount_percent: Decimal) -> Money:
    """A row's net amount: price x quantity, less the discount, rounded half up to minor units."""
    with localcontext(_EXACT):
        return price.model_copy(update={"amount": _rounded(price.amount * quantity * (100 - discount_percent) / 100)})


def tax_of(net: int, percent: Decimal) -> int:
    """The tax on a net amount, in minor units, rounded half up."""
    with localcontext(_EXACT):
        return _rounded(net * percent / 100)


def _rounded(exact: Decimal) -> int:
    return int(exact.quantize(Decimal(1)))


def totals(rows: Iterable[ProductContext], rounding: TaxRounding) -> list[Totals]:
    """One for each currency, in the order in which the rows name them; nothing without rows."""
    nets: dict[str, dict[Decimal, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        nets[row.net.currency][row.tax_percent].append(row.net.amount)
    return [_totals(currency, by_rate, rounding) for currency, by_rate in nets.items()]


def _totals(currency: str, nets: dict[Decimal, list[int]], rounding: TaxRounding) -> Totals:
    taxes = tuple(Tax(percent, sum(nets[percent]), _tax(nets[percent], percent, rounding)) for percent in sorted(nets))
    return Totals(currency, sum(tax.net for tax in taxes), taxes)


def _tax(nets: list[int], percent: Decimal, rounding: TaxRounding) -> int:
    bases = [sum(nets)] if rounding == "per_rate" else nets
    return sum(tax_of(base, percent) for base in bases)
