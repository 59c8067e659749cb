"""Requisites as requests give them: unknown fields are refused."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from contracts.inputs import Input
from contracts.requisites import (
    MAX_BANK_ACCOUNTS,
    AddressFields,
    BankAccountFields,
    OrganisationFields,
    PersonFields,
    Requisites,
    SoleTraderFields,
)
from entity_service.domain.requisites import checked


class AddressInput(AddressFields, Input):
    """A postal address of any country."""


class AddressesInput(Input):
    """Addresses by type."""

    legal: AddressInput | None = None
    actual: AddressInput | None = None
    delivery: AddressInput | None = None
    other: AddressInput | None = None


class BankAccountInput(BankAccountFields, Input):
    """A bank account; IBAN and BIC are checked."""


class RecordInput(Input):
    """What belongs to the requisites of every template."""

    addresses: AddressesInput = AddressesInput()
    bank_accounts: Annotated[tuple[BankAccountInput, ...], Field(max_length=MAX_BANK_ACCOUNTS)] = ()


class OrganisationInput(OrganisationFields, RecordInput):
    """A company or another legal person."""


class SoleTraderInput(SoleTraderFields, RecordInput):
    """Somebody who trades in their own name."""


class PersonRequisitesInput(PersonFields, RecordInput):
    """A private person."""


class RequisitesInput(Input):
    """Requisites by template. Each that is given is replaced as a whole; null takes it away."""

    organisation: OrganisationInput | None = None
    sole_trader: SoleTraderInput | None = None
    person: PersonRequisitesInput | None = None


def requisites_of(given: RequisitesInput) -> dict[str, Any]:
    """Those templates that are given, as they are kept. Raises `InvalidError`."""
    kept = checked(Requisites.model_validate(given.model_dump()))
    return {name: one for name, one in kept.model_dump().items() if name in given.model_fields_set}


def merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A client's values with those that are given, of requisites template by template."""
    requisites = {**before["requisites"], **given.get("requisites", {})}
    return {**before, **given, "requisites": requisites}
