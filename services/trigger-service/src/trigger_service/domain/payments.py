"""Payment providers, and what they report."""

from pydantic import BaseModel, ConfigDict, SecretStr

from contracts.inputs import Input
from contracts.messages.entity_commands import RecordPayment
from contracts.reports import PaymentReport
from contracts.texts import Name
from contracts.values import Money


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


def record_payment(report: PaymentReport, actor: str) -> RecordPayment:
    return RecordPayment(
        actor=actor,
        origin="trigger",
        payment_id=report.payment_id,
        status=report.status,
        amount=Money(amount=report.amount, currency=report.currency),
        paid_at=report.paid_at,
        provider_reference=report.reference,
        method=report.method,
    )
