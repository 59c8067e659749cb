"""Payments of invoices and deals, what is due, and which news about payments count."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_events import PaymentStatus
from contracts.values import Money, Value
from entity_service.domain.errors import ConflictError

_NEXT: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    "pending": frozenset({"paid", "failed", "refunded"}),
    "failed": frozenset({"paid"}),
    "paid": frozenset({"refunded"}),
    "refunded": frozenset(),
}


class Payment(Value):
    """Money expected or received: of an invoice, for a deal, or both."""

    tenant_id: UUID
    id: UUID
    invoice_id: UUID | None = None
    deal_id: UUID | None = None
    status: PaymentStatus
    amount: Money
    paid_at: AwareDatetime | None = None
    provider_reference: str | None = None
    method: str | None = None
    account: str | None = None
    """The payment account by whose link it is paid; null for one that is paid otherwise."""
    link: str | None = None
    expires_at: AwareDatetime | None = None
    """When the link ends."""
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def item_id(self) -> UUID:
        """What it pays for: the deal, or the invoice when no deal is linked."""
        id = self.deal_id or self.invoice_id
        assert id is not None  # noqa: S101 - the table demands one of them
        return id

    def state(self, now: datetime) -> str:
        """Its status; `expired` while it is pending although its link has ended."""
        over = self.status == "pending" and self.expires_at is not None and self.expires_at <= now
        return "expired" if over else self.status


def total_due(amount: Money | None, paid: int) -> Money:
    """What is left of an item's amount; `paid` in its minor units. Raises `ConflictError` when it is nothing."""
    if amount is None:
        raise ConflictError("the item has no amount: say how much is to be paid")
    due = amount.amount - paid
    if due <= 0:
        raise ConflictError("nothing is due: all of the item's amount is paid")
    return Money(amount=due, currency=amount.currency)


def is_settled(amount: Money | None, paid: int) -> bool:
    """Whether an invoice of this amount is paid; `paid` in its minor units."""
    return amount is None or paid >= amount.amount


def is_news(payment: Payment, reported: PaymentStatus, amount: Money) -> bool:
    """Whether a report changes the payment; repeated and overtaken ones do not. Raises when the money differs."""
    if amount != payment.amount:
        raise ConflictError("the reported amount or currency differs from the payment's")
    return reported in _NEXT[payment.status]
