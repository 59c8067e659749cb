"""What the rules about requisites have in common."""

from collections.abc import Collection, Iterable, Mapping

from pydantic import JsonValue

from contracts.conditions import Condition
from contracts.contexts import CompanyContext, ContactContext, Part
from contracts.issues import Issue
from contracts.requisites import FIELDS, AddressType, PartyKind, RequisitesTemplate
from rule_engine.domain.actions import ActionContext, Failure, Params, Refusal, literal
from rule_engine.domain.language.values import WHERE

_NEEDS: Mapping[str, tuple[Part, ...]] = {"contact": ("contacts",), "company": ("company",)}
_NOT_OF_A_COMPANY = "an item has one company: leave the condition out"


class PartyParams(Params):
    party: PartyKind
    """Whose: of the item's contact, or of its company."""
    where: Condition | None = None
    """Of several contacts the first who meets it, not simply the first; it names each of them `each`."""
    template: RequisitesTemplate
    address_type: AddressType = "legal"
    """Of the address that is meant by `street`, `city`, …"""


def party_of(params: PartyParams, acting: ActionContext) -> ContactContext | CompanyContext | Refusal | Failure:
    """The client who is meant, or why nobody is."""
    if params.party == "company":
        if params.where is not None:
            return Failure(f"where: {_NOT_OF_A_COMPANY}")
        return acting.context.company or Refusal("the item has no company")
    contacts = acting.context.contacts
    if not contacts:
        return Refusal("the item has no contact")
    found = acting.chosen(params.where, acting.values["contacts"])
    return contacts[found[0]] if found else Refusal("no contact of the item meets the condition")


def needs_of(params: Mapping[str, JsonValue]) -> Collection[Part]:
    """The part of a context that the party is in."""
    return _NEEDS.get(str(params.get("party")), ("contacts", "company"))


def party_issues(params: Mapping[str, JsonValue]) -> Iterable[Issue]:
    if params.get("party") == "company" and params.get(WHERE) is not None:
        yield Issue(WHERE, _NOT_OF_A_COMPANY)


def template_in(params: Mapping[str, JsonValue]) -> RequisitesTemplate | None:
    """The template, when it is known before the rule acts."""
    written = literal(params.get("template"))
    return next((one for one in FIELDS if one == written), None)
