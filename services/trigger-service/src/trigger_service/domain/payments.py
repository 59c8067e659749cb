"""Payment providers, and what they report."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from contracts.inputs import Input, Moment
from contracts.issues import Written
from contracts.messages.entity_commands import RecordPayment
from contracts.messages.entity_events import PaymentStatus
from contracts.texts import Name
from contracts.values import Currency, Money


class ProviderSpec(Input):
    """A payment provider. `secret` (Standard Webhooks, `whsec_…`) is written only; left out, the former one stays."""

    name: Name
    secret: SecretStr | None = None
    archived: bool = False


class Provider(BaseModel):
    """A payment provider as it is kept; `token` is the address it calls, `sealed` its secret, encrypted."""

    model_config = ConfigDict(frozen=True)

    code: str
    token: str
    name: str
    sealed: str
    archived: bool


class PaymentReport(BaseModel):
    """The body of a provider's callback. `amount` is in minor units; other fields are ignored."""

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
