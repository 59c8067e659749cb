"""The sum of an item's product rows."""

from collections.abc import Sequence

from contracts.contexts import ProductContext
from contracts.taxes import totals
from contracts.values import MAX_NUMBER, Money, TaxRounding
from entity_service.domain.errors import InvalidError


def sum_of(rows: Sequence[ProductContext], rounding: TaxRounding) -> Money | None:
    """The sum of the rows, tax included; null without rows. Raises `InvalidError` for several currencies."""
    sums = totals(rows, rounding)
    if not sums:
        return None
    if len(sums) > 1:
        raise InvalidError(("rows", f"have different currencies: {', '.join(sorted(one.currency for one in sums))}"))
    if sums[0].total > MAX_NUMBER:
        raise InvalidError(("rows", f"come to more than {MAX_NUMBER} minor units"))
    return Money(amount=sums[0].total, currency=sums[0].currency)
