"""A rule that asks for a payment."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from contracts.item_types import TypeFilter
from contracts.messages.payment_commands import CreatePaymentLink
from contracts.values import Code, Money
from rule_engine.domain.actions import ActionContext, Failure, Group, Outputs, Params, RuleType
from rule_engine.rules.time_expressions import TimeExpression

PAYABLE: tuple[TypeFilter, ...] = ("deal", "invoice")
OPEN = timedelta(days=14)
"""How long a link can be paid when its rule does not say."""


class CreatePaymentLinkParams(Params):
    amount: Money | None = None
    """By default what is due in all: the item's amount without what is paid."""
    expires: TimeExpression | None = None
    """When the link ends; by default in 14 days."""
    account: Code | None = None
    """Code of the payment account; by default the tenant's first one."""


class CreatedPaymentLink(Outputs):
    """The payment that is expected, and where the client pays it."""

    payment_id: UUID
    link: str


class CreatePaymentLinkRule(RuleType[CreatePaymentLinkParams]):
    """A link at the payment provider, at which the client pays; what becomes of it is told as an event."""

    type = "create_payment_link"
    title = "Make a payment link"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = PAYABLE
    helper: ClassVar[bool] = True
    params = CreatePaymentLinkParams
    outputs = CreatedPaymentLink

    def act(self, params: CreatePaymentLinkParams, acting: ActionContext) -> CreatePaymentLink | Failure:
        if params.amount is not None and params.amount.amount <= 0:
            return Failure("params.amount: give a positive amount")
        zone, said = acting.context.tenant.time_zone, params.expires
        expires = said.moment(acting.now, zone) if said else acting.now + OPEN
        return acting.command(CreatePaymentLink, amount=params.amount, expires_at=expires, account=params.account)


RULES: tuple[RuleType[Any], ...] = (CreatePaymentLinkRule(),)
