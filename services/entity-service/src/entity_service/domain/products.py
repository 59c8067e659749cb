"""Product rows and what they come to."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from contracts.contexts import ProductContext
from contracts.values import MAX_NUMBER, Money
from entity_service.domain.errors import InvalidError


def total_of(price: Money, quantity: Decimal, discount_percent: Decimal, tax_percent: Decimal) -> Money:
    """A row's total: price x quantity, less the discount, plus the tax, rounded half up to minor units."""
    net = price.amount * quantity * (100 - discount_percent) / 100
    total = (net * (100 + tax_percent) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return Money(amount=int(total), currency=price.currency)


def sum_of(rows: Sequence[ProductContext]) -> Money | None:
    """What the rows come to; null without rows. Each row is rounded by itself, as it is printed."""
    if not rows:
        return None
    currencies = {row.price.currency for row in rows}
    if len(currencies) > 1:
        raise InvalidError(("rows", f"have different currencies: {', '.join(sorted(currencies))}"))
    total = sum(row.total.amount for row in rows)
    if abs(total) > MAX_NUMBER:
        raise InvalidError(("rows", f"come to more than {MAX_NUMBER} minor units"))
    return Money(amount=total, currency=currencies.pop())
