"""The product rows of an item: what they come to, and which are meant."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from contracts.contexts import ProductContext
from contracts.messages.product_commands import MAX_ROWS
from contracts.taxes import totals
from contracts.values import MAX_NUMBER, Money, TaxRounding
from entity_service.domain.errors import InvalidError


def sum_of(rows: Sequence[ProductContext], rounding: TaxRounding) -> Money | None:
    """The sum of the rows, tax included; null without rows. Raises `InvalidError` for rows that do not fit together."""
    if len(rows) > MAX_ROWS:
        raise InvalidError(("rows", f"would be more than {MAX_ROWS}"))
    sums = totals(rows, rounding)
    if not sums:
        return None
    if len(sums) > 1:
        raise InvalidError(("rows", f"have different currencies: {', '.join(sorted(one.currency for one in sums))}"))
    if sums[0].total > MAX_NUMBER:
        raise InvalidError(("rows", f"come to more than {MAX_NUMBER} minor units"))
    return Money(amount=sums[0].total, currency=sums[0].currency)


def renewed(rows: Sequence[ProductContext], new_id: Callable[[], UUID]) -> list[ProductContext]:
    """The same rows for another item: each row has its own id."""
    return [row.model_copy(update={"id": new_id()}) for row in rows]


def chosen(
    rows: Sequence[ProductContext], ids: Collection[UUID] | None
) -> tuple[list[ProductContext], list[ProductContext]]:
    """The rows of these ids, or all, and the others."""
    wanted = {row.id for row in rows} if ids is None else set(ids)
    return [row for row in rows if row.id in wanted], [row for row in rows if row.id not in wanted]
