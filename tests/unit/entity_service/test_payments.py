"""What is due, when an invoice is paid, and what a payment is worth when its link has ended."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import Money
from entity_service.domain.errors import ConflictError
from entity_service.domain.payments import Payment, is_settled, total_due

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = UUID(int=1)
MINOR = st.integers(1, 10**15)


@given(amount=MINOR, parts=st.lists(MINOR, max_size=20))
def test_parts_and_what_is_due_after_them_come_to_the_amount_to_the_last_minor_unit(
    amount: int, parts: list[int]
) -> None:
    paid, price = 0, Money(amount=amount, currency="EUR")
    for part in parts:
        if is_settled(price, paid):
            break
        assert total_due(price, paid).amount + paid == amount
        paid += min(part, total_due(price, paid).amount)
    if is_settled(price, paid):
        with pytest.raises(ConflictError, match="nothing is due"):
            total_due(price, paid)


def test_without_an_amount_nobody_knows_what_is_due() -> None:
    with pytest.raises(ConflictError, match="no amount"):
        total_due(None, 0)


@pytest.mark.parametrize(("ends", "state"), [(1, "pending"), (0, "expired"), (-1, "expired")])
def test_a_pending_payment_is_expired_from_the_moment_its_link_ends(ends: int, state: str) -> None:
    payment = Payment(
        tenant_id=ID,
        id=ID,
        deal_id=ID,
        status="pending",
        amount=Money(amount=1, currency="EUR"),
        expires_at=NOW + timedelta(seconds=ends),
        created_at=NOW,
        updated_at=NOW,
    )
    assert payment.state(NOW) == state
    assert payment.model_copy(update={"status": "paid"}).state(NOW) == "paid"
