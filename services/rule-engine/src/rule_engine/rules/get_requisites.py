"""A rule that reads requisites of a client."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict, JsonValue, create_model

from contracts.contexts import Part, TenantSchema
from contracts.issues import Issue
from contracts.item_types import ItemPart
from contracts.requisites import FIELDS, AddressFields, BankAccount, PartyFields, RequisitesTemplate, on_one_line
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Class,
    Failure,
    Group,
    Outputs,
    Refusal,
    RuleType,
)
from rule_engine.rules.requisites import PartyParams, needs_of, party_issues, party_of, template_in


class FoundRequisites(PartyFields, AddressFields, Outputs):
    """Every field of the template and of the address, the whole address on one line, and the bank accounts."""

    model_config = ConfigDict(frozen=True, extra="allow")

    address: str = ""
    bank_accounts: tuple[BankAccount, ...] = ()


def _outputs_of(template: RequisitesTemplate) -> Class[Outputs]:
    named: dict[str, Any] = {
        name: (info.annotation, info.default) for name, info in FIELDS[template].model_fields.items()
    }
    return create_model("FoundRequisites", __base__=FoundRequisites, **named)


_OUTPUTS: Mapping[RequisitesTemplate, Class[Outputs]] = {template: _outputs_of(template) for template in FIELDS}


class GetRequisites(RuleType[PartyParams]):
    """Reads every requisite and one address of the item's contact or company for the rules after it.

    What it has not is empty. Refused when there is no such client, or no contact who meets the condition.
    """

    type = "get_requisites"
    title = "Read requisites"
    group: ClassVar[Group] = "documents"
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    helper: ClassVar[bool] = True
    chooses_of: ClassVar[str | None] = "contacts"
    params = PartyParams
    outputs = FoundRequisites

    def act(self, params: PartyParams, acting: ActionContext) -> Outputs | Refusal | Failure:
        party = party_of(params, acting)
        if isinstance(party, Refusal | Failure):
            return party
        found = party.requisites.of(params.template)
        address = found.addresses.of(params.address_type) if found else None
        own, of_address = (one.model_dump() if one else {} for one in (found, address))
        return _OUTPUTS[params.template].model_validate({**own, **of_address, "address": on_one_line(address)})

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        template = template_in(params)
        return _OUTPUTS[template] if template else FoundRequisites

    def needs_with(self, params: Mapping[str, JsonValue]) -> Collection[Part]:
        return needs_of(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:  # noqa: ARG002
        return party_issues(params)


RULES: tuple[RuleType[Any], ...] = (GetRequisites(),)
