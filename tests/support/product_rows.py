"""Product rows as entity-service makes them, and a Hypothesis strategy for them."""

from decimal import Decimal

from hypothesis import strategies as st

from contracts.contexts import ProductContext
from contracts.messages.product_commands import NewProduct
from contracts.taxes import product_row
from contracts.values import Money

RATES = (Decimal(0), Decimal(7), Decimal("7.00"), Decimal("5.5"), Decimal(19), Decimal(20))


def row(  # noqa: PLR0913 - a row's parts
    price: int,
    quantity: Decimal,
    discount: Decimal,
    rate: Decimal,
    currency: str = "EUR",
    included: bool = False,
) -> ProductContext:
    wanted = NewProduct(
        name="x",
        quantity=quantity,
        price=Money(amount=price, currency=currency),
        discount_percent=discount,
        tax_percent=rate,
        tax_included=included,
    )
    return product_row(wanted, None)


def product_rows(
    highest_price: int = 10**15, currencies: tuple[str, ...] = ("EUR", "USD")
) -> st.SearchStrategy[ProductContext]:
    return st.builds(
        row,
        st.integers(0, highest_price),
        st.decimals("0.000001", 10**9, places=6),
        st.decimals(0, 100, places=4),
        st.sampled_from(RATES),
        st.sampled_from(currencies),
        st.booleans(),
    )


ROWS = product_rows()
ROUNDINGS = st.sampled_from(("per_rate", "per_row"))
