"""What providers report in signed calls about payments and shipments."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.inputs import Moment
from contracts.issues import Written
from contracts.messages.entity_events import PaymentStatus
from contracts.texts import Line
from contracts.values import Currency, Money


class Report(BaseModel):
    """Fields that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PaymentReport(Report):
    """What became of a payment. `amount` is in minor units."""

    payment_id: UUID
    status: PaymentStatus
    amount: Annotated[int, Field(ge=0, lt=2**53)]
    currency: Currency
    paid_at: Moment | None = None
    reference: Annotated[str, Field(min_length=1, max_length=200), Written(r"^[^\x00]*$", "no null characters")]
    method: Line | None = None
    """How it was paid, such as `card`."""

    @property
    def money(self) -> Money:
        return Money(amount=self.amount, currency=self.currency)


class ShipmentReport(Report):
    """What became of a shipment: its status, its tracking number, or both."""

    shipment_id: UUID
    status: Literal["shipped", "delivered", "cancelled"] | None = None
    tracking: Line | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.status is None and self.tracking is None:
            raise ValueError("give the status, the tracking number, or both")
        return self
