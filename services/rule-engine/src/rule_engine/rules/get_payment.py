"""A rule that reads a payment."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.item_types import TypeFilter
from contracts.messages.payment_commands import ReadPayment
from contracts.values import Money
from rule_engine.domain.actions import ActionContext, Group, Outputs, Params, RuleType
from rule_engine.rules.create_payment_link import PAYABLE


class GetPaymentParams(Params):
    payment: UUID | None = None
    """Id of the payment, such as `{"path": "steps.link.payment_id"}`; by default the item's last one."""


class FoundPayment(Outputs):
    """The payment; `expired` while it is pending although its link has ended, `link` of one that is paid by link."""

    payment_id: UUID
    status: Literal["pending", "expired", "paid", "failed", "refunded"]
    amount: Money
    paid_at: datetime | None = None
    method: str | None = None
    link: str | None = None


class GetPayment(RuleType[GetPaymentParams]):
    """Reads what became of a payment, for the rules after it."""

    type = "get_payment"
    title = "Read a payment"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = PAYABLE
    helper: ClassVar[bool] = True
    params = GetPaymentParams
    outputs = FoundPayment

    def act(self, params: GetPaymentParams, acting: ActionContext) -> ReadPayment:
        return acting.command(ReadPayment, payment_id=params.payment)


RULES: tuple[RuleType[Any], ...] = (GetPayment(),)
