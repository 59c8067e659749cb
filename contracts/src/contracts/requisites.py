"""Requisites: what contracts and invoices say of a party, by template, with its addresses and bank accounts.

entity-service keeps and checks them; contexts carry them, so authors name `company.requisites.organisation.tax_number`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contracts.texts import ONE_LINE, Line
from contracts.values import Country, Currency, Fields, Value

RequisitesTemplate = Literal["organisation", "sole_trader", "person"]
"""What kind of party it is; one party may have the requisites of several."""
AddressType = Literal["legal", "actual", "delivery", "other"]
PartyKind = Literal["contact", "company"]
LongLine = Annotated[str, StringConstraints(max_length=500), ONE_LINE]
MAX_BANK_ACCOUNTS = 20
"""Of one party's requisites."""


class AddressFields(Fields):
    """A postal address of any country."""

    street: LongLine = ""
    """Street and number."""
    extra: LongLine = ""
    """What else the postman needs: floor, care of."""
    city: Line = ""
    region: Line = ""
    postal_code: Line = ""
    country: Country | None = None


class PostalAddress(AddressFields, Value):
    """An address as it is kept."""


class Addresses(Value):
    """A party's addresses by type."""

    legal: PostalAddress | None = None
    actual: PostalAddress | None = None
    delivery: PostalAddress | None = None
    other: PostalAddress | None = None

    def of(self, type: AddressType) -> PostalAddress | None:
        found: PostalAddress | None = getattr(self, type)
        return found


class BankAccountFields(Fields):
    """An account, by its IBAN or as its country writes it."""

    bank: Line = ""
    """The bank's name."""
    holder: Line = ""
    iban: Annotated[str, StringConstraints(max_length=50)] | None = None
    bic: Annotated[str, StringConstraints(max_length=20)] | None = None
    account_number: Line = ""
    routing_number: Line = ""
    """The bank's number in its own country: sort code, ABA number, BIK."""
    currency: Currency | None = None


class BankAccount(BankAccountFields, Value):
    """An account as it is kept; IBAN and BIC without blanks."""


class PartyFields(Fields):
    """What every template has."""

    tax_number: Line = ""
    vat_number: Line = ""
    """With the country's prefix, such as DE136695976; those of the European Union are checked."""


class OrganisationFields(PartyFields):
    """A company or another legal person."""

    name: Line = ""
    full_name: LongLine = ""
    registration_number: Line = ""
    registered_on: date | None = None
    director: Line = ""
    director_position: Line = ""


class SoleTraderFields(PartyFields):
    """Somebody who trades in their own name."""

    name: Line = ""
    """The name of the business."""
    first_name: Line = ""
    last_name: Line = ""
    registration_number: Line = ""
    registered_on: date | None = None


class PersonFields(PartyFields):
    """A private person."""

    first_name: Line = ""
    middle_name: Line = ""
    last_name: Line = ""
    born_on: date | None = None
    document: Line = ""
    """What they prove their identity by: passport, identity card."""
    document_number: Line = ""
    document_issued_by: LongLine = ""
    document_issued_on: date | None = None


class Record(Value):
    """What belongs to the requisites of every template beside its fields."""

    addresses: Addresses = Addresses()
    bank_accounts: Annotated[tuple[BankAccount, ...], Field(max_length=MAX_BANK_ACCOUNTS)] = ()


class OrganisationRequisites(OrganisationFields, Record):
    """Those of an organisation."""


class SoleTraderRequisites(SoleTraderFields, Record):
    """Those of a sole trader."""


class PersonRequisites(PersonFields, Record):
    """Those of a person."""


type PartyRequisites = OrganisationRequisites | SoleTraderRequisites | PersonRequisites


class Requisites(Value):
    """A party's requisites by template; null: it has none of that template."""

    organisation: OrganisationRequisites | None = None
    sole_trader: SoleTraderRequisites | None = None
    person: PersonRequisites | None = None

    def of(self, template: RequisitesTemplate) -> PartyRequisites | None:
        found: PartyRequisites | None = getattr(self, template)
        return found


NO_REQUISITES = Requisites()
FIELDS: Mapping[RequisitesTemplate, type[PartyFields]] = {
    "organisation": OrganisationFields,
    "sole_trader": SoleTraderFields,
    "person": PersonFields,
}


def names_of(template: RequisitesTemplate) -> tuple[str, ...]:
    """What rules name of a template: its own fields, then those of an address, which have other names."""
    return (*FIELDS[template].model_fields, *AddressFields.model_fields)


def on_one_line(address: AddressFields | None) -> str:
    """`Via Roma 1, 00100 Roma, RM, IT`: as far as it is filled in."""
    if address is None:
        return ""
    place = f"{address.postal_code} {address.city}".strip()
    parts = (address.street, address.extra, place, address.region, address.country)
    return ", ".join(part for part in parts if part)
