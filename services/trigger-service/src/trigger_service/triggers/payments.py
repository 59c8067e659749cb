"""Triggers of money that comes in."""

from collections.abc import Mapping
from typing import Any

from contracts.messages.entity_events import PaymentChanged
from contracts.values import Money
from trigger_service.triggers.base import EventTriggerType, Occurrence, TriggerSettings


class PaymentSettings(TriggerSettings):
    """Which payments are meant."""

    minimum: Money | None = None
    """The smallest amount that will do; a payment in another currency will not. Without it any amount will do."""


class PaymentReceived(EventTriggerType[PaymentSettings, PaymentChanged]):
    """Facts: those of `PaymentChanged`. The item that the payment is for may move, and its invoice."""

    name = "payment_received"
    title = "Payment received"
    group = "Payments"
    description = "a payment of the item becomes paid: one of an invoice, or one without, such as by a payment link"
    context_name = "payment"
    settings = PaymentSettings
    body = PaymentChanged

    def occurrence(self, data: PaymentChanged) -> Occurrence | None:
        if data.status != "paid":
            return None
        items = dict.fromkeys(item for item in (data.item_id, data.invoice_id) if item)
        return self.about(data, *items)

    def mismatch(self, settings: PaymentSettings, facts: Mapping[str, Any]) -> str | None:
        paid, minimum = facts["amount"], settings.minimum
        if minimum is None:
            return None
        if paid["currency"] != minimum.currency:
            return f"it was paid in {paid['currency']}, the minimum is in {minimum.currency}"
        if paid["amount"] < minimum.amount:
            return f"{paid['amount']} was paid, the minimum is {minimum.amount} (minor units of {minimum.currency})"
        return None


class InvoicePaid(PaymentReceived):
    """Facts: those of `PaymentChanged`. The deal may move, and the invoice itself."""

    name = "invoice_paid"
    title = "Invoice paid"
    description = "a payment of an invoice becomes paid; the invoice and the deal it belongs to may move"

    def occurrence(self, data: PaymentChanged) -> Occurrence | None:
        return super().occurrence(data) if data.invoice_id else None
