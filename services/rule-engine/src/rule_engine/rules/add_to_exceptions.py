"""A rule that keeps a client from making items."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from contracts.item_types import TypeFilter
from contracts.messages.party_commands import AddToExceptions
from rule_engine.domain.actions import ActionContext, Group, Outputs, Params, RuleType


class AddToExceptionsParams(Params):
    which: Literal["first", "all"] = "first"
    """Of several contacts."""


class Excluded(Outputs):
    """How many phones and addresses are on the list because of it, and the contacts that were deleted."""

    addresses: int
    contact_ids: tuple[UUID, ...]


class AddToExceptionsRule(RuleType[AddToExceptionsParams]):
    """Puts the phones and addresses of the client on the exceptions list: no form makes items of them any more.

    The item and the contact are deleted; other items lose the contact. Refused without a contact, and when money was
    received for the item.
    """

    type = "add_to_exceptions"
    title = "Put the client on the exceptions list"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = ("lead", "deal")
    params = AddToExceptionsParams
    outputs = Excluded

    def act(self, params: AddToExceptionsParams, acting: ActionContext) -> AddToExceptions:
        return acting.command(AddToExceptions, which=params.which)


RULES: tuple[RuleType[Any], ...] = (AddToExceptionsRule(),)
