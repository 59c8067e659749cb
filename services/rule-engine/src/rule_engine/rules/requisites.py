"""What the rules about requisites have in common."""

from collections.abc import Mapping

from pydantic import JsonValue

from contracts.contexts import CompanyContext, ContactContext, ItemContext, Part
from contracts.requisites import FIELDS, AddressType, PartyKind, RequisitesTemplate
from rule_engine.domain.actions import Params, literal

NEEDS: Mapping[str, tuple[Part, ...]] = {"contact": ("contacts",), "company": ("company",)}
"""The part of a context that a party is in."""


class PartyParams(Params):
    party: PartyKind
    """Whose: of the item's first contact, or of its company."""
    template: RequisitesTemplate
    address_type: AddressType = "legal"
    """Of the address that is meant by `street`, `city`, …"""


def party_of(context: ItemContext, party: PartyKind) -> ContactContext | CompanyContext | None:
    return context.contact if party == "contact" else context.company


def template_in(params: Mapping[str, JsonValue]) -> RequisitesTemplate | None:
    """The template, when it is known before the rule acts."""
    written = literal(params.get("template"))
    return next((one for one in FIELDS if one == written), None)
