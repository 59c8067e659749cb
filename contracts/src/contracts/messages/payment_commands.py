"""The commands of entity-service about payments by link, on `crm.entity.commands.v1`."""

from typing import ClassVar
from uuid import UUID

from contracts.inputs import Moment
from contracts.messages.entity_commands import ItemCommand
from contracts.values import Code, Money


class CreatePaymentLink(ItemCommand):
    """Expects a payment for a deal or of an invoice, and asks the provider for a link to pay it.

    Outputs: `payment_id`, `link`.
    """

    TYPE: ClassVar[str] = "crm.payment.create_link.v1"

    amount: Money | None = None
    """Null: what is due in all: the item's amount without what is paid."""
    expires_at: Moment
    account: Code | None = None
    """Null: the tenant's first payment account, by code."""


class ReadPayment(ItemCommand):
    """Reads a payment of the item. Refused when there is none.

    Outputs: `payment_id`, `status` (also `expired`), `amount`, `paid_at`, `method`, `link`.
    """

    TYPE: ClassVar[str] = "crm.payment.read.v1"

    payment_id: UUID | None = None
    """Null: the last one."""
