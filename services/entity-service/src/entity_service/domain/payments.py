"""Payments of invoices, and which news about them count."""

from collections.abc import Mapping
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
    """Money expected or received for an invoice."""

    tenant_id: UUID
    id: UUID
    invoice_id: UUID
    deal_id: UUID | None = None
    status: PaymentStatus
    amount: Money
    paid_at: AwareDatetime | None = None
    provider_reference: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def item_id(self) -> UUID:
        """What it pays for: the deal, or the invoice when no deal is linked."""
        return self.deal_id or self.invoice_id


def is_news(payment: Payment, reported: PaymentStatus, amount: Money) -> bool:
    """Whether a report changes the payment; repeated and overtaken ones do not. Raises when the money differs."""
    if amount != payment.amount:
        raise ConflictError("the reported amount or currency differs from the payment's")
    return reported in _NEXT[payment.status]
