"""What a payment provider reports."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Moment
from contracts.issues import Written
from contracts.messages.entity_commands import RecordPayment
from contracts.messages.entity_events import PaymentStatus
from contracts.values import Currency, Money


class PaymentReport(BaseModel):
    """The body of a provider's callback. `amount` is in minor units; what else a provider tells is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    payment_id: UUID
    status: PaymentStatus
    amount: Annotated[int, Field(ge=0, lt=2**53)]
    currency: Currency
    paid_at: Moment | None = None
    reference: Annotated[str, Field(min_length=1, max_length=200), Written(r"^[^\x00]*$", "no null characters")]


def record_payment(report: PaymentReport, actor: str) -> RecordPayment:
    return RecordPayment(
        actor=actor,
        origin="trigger",
        payment_id=report.payment_id,
        status=report.status,
        amount=Money(amount=report.amount, currency=report.currency),
        paid_at=report.paid_at,
        provider_reference=report.reference,
    )
