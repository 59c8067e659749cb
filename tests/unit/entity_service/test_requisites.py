"""Requisites: which numbers are accepted and how they are kept, and what a rule changes of them."""

from datetime import date
from typing import Any, get_args

import pytest

from contracts.requisites import FIELDS, AddressFields, Requisites, RequisitesTemplate, names_of
from entity_service.api.requisites import RequisitesInput, merged, requisites_of
from entity_service.domain.errors import InvalidError
from entity_service.domain.my_companies import OwnCompany, as_printed
from entity_service.domain.requisites import changed_names, checked, with_values

ACCOUNT = {"bank": "Banca di Esempio", "iban": "it60 X054 2811 1010 0000 0123 456", "bic": "deutdeff"}


def of_organisation(**values: Any) -> Requisites:
    return Requisites.model_validate({"organisation": values})


def test_numbers_with_check_digits_are_kept_in_one_form() -> None:
    kept = checked(of_organisation(vat_number="de 136 695 976", bank_accounts=[ACCOUNT])).organisation

    assert kept is not None
    assert kept.vat_number == "DE136695976"
    assert (kept.bank_accounts[0].iban, kept.bank_accounts[0].bic) == ("IT60X0542811101000000123456", "DEUTDEFF")


@pytest.mark.parametrize(
    ("values", "where", "what"),
    [
        ({"vat_number": "DE136695977"}, "vat_number", "is no VAT number"),
        ({"vat_number": "EL123456789"}, "vat_number", "is no VAT number"),
        ({"bank_accounts": [ACCOUNT | {"iban": "IT61X0542811101000000123456"}]}, "bank_accounts[0].iban", "no IBAN"),
        ({"bank_accounts": [ACCOUNT, ACCOUNT | {"bic": "DEUT"}]}, "bank_accounts[1].bic", "is no BIC"),
        ({"bank_accounts": [{"bank": "A bank"}]}, "bank_accounts[0]", "needs an iban or an account_number"),
    ],
)
def test_what_cannot_be_one_is_refused_by_its_place(values: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(InvalidError) as refused:
        checked(of_organisation(**values))

    ((place, reason),) = refused.value.errors
    assert place == f"requisites.organisation.{where}"
    assert what in reason


def test_numbers_of_other_countries_and_account_numbers_stay_as_they_are_written() -> None:
    american = {"bank": "First Bank", "account_number": "000123 456-7", "routing_number": "021000021"}
    values = of_organisation(vat_number="CHE-107.787.577 IVA", tax_number="12-3456789", bank_accounts=[american])
    assert checked(values) == values


def test_a_rule_sets_fields_of_one_template_and_of_one_address() -> None:
    before = of_organisation(name="Bell", tax_number="1", addresses={"actual": {"city": "Bonn"}})

    after = with_values(
        before,
        "organisation",
        "legal",
        {"tax_number": None, "registered_on": "2020-02-29", "city": "Köln", "country": "DE"},
    )

    kept = after.organisation
    assert kept is not None
    assert (kept.name, kept.tax_number, kept.registered_on) == ("Bell", "", date(2020, 2, 29))
    assert kept.addresses.legal is not None
    assert (kept.addresses.legal.city, kept.addresses.legal.country) == ("Köln", "DE")
    assert kept.addresses.actual is not None
    assert kept.addresses.actual.city == "Bonn"
    assert changed_names(before, after) == (
        "organisation.addresses.legal.city",
        "organisation.addresses.legal.country",
        "organisation.registered_on",
        "organisation.tax_number",
    )


def test_requisites_of_a_template_that_there_were_none_of_are_made() -> None:
    assert with_values(Requisites(), "person", "other", {"first_name": "Ada"}) == Requisites.model_validate(
        {"person": {"first_name": "Ada"}}
    )


@pytest.mark.parametrize(
    ("values", "where", "what"),
    [
        ({"tax_nmber": "1"}, "tax_nmber", "did you mean 'tax_number'?"),
        ({"registered_on": "yesterday"}, "registered_on", "date"),
        ({"country": "Germany"}, "country", "a country of ISO 3166 such as DE"),
        ({"name": "x" * 201}, "name", "200"),
        ({"vat_number": "IT1"}, "requisites.organisation.vat_number", "is no VAT number"),
    ],
)
def test_a_rule_cannot_set_what_there_is_not(values: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(InvalidError) as refused:
        with_values(Requisites(), "organisation", "legal", values)

    ((place, reason),) = refused.value.errors
    assert (place, what in reason) == (where, True), reason


def test_names_of_templates_and_of_addresses_are_different() -> None:
    for template in get_args(RequisitesTemplate):
        assert len(set(names_of(template))) == len(FIELDS[template].model_fields) + len(AddressFields.model_fields)


def test_templates_are_replaced_one_by_one() -> None:
    before = {"requisites": {"organisation": {"name": "Bell"}, "sole_trader": {"name": "Ada"}, "person": None}}
    given = RequisitesInput.model_validate({"organisation": None, "person": {"last_name": "Bell"}})
    kept = merged(before, {"requisites": requisites_of(given)})["requisites"]
    assert (kept["organisation"], kept["sole_trader"]["name"], kept["person"]["last_name"]) == (None, "Ada", "Bell")


def test_an_own_company_is_printed_with_its_legal_address_and_its_first_account() -> None:
    requisites = of_organisation(
        tax_number="1",
        vat_number="IT00743110157",
        addresses={"legal": {"street": "Via Esempio 1", "postal_code": "00100", "city": "Roma", "country": "IT"}},
        bank_accounts=[ACCOUNT, {"account_number": "7"}],
    )
    printed = as_printed(OwnCompany(code="mine", name="Oak & Ash", phone="+39", requisites=checked(requisites)))
    assert (printed.code, printed.name, printed.phone) == ("mine", "Oak & Ash", "+39")
    assert (printed.address, printed.tax_number) == ("Via Esempio 1, 00100 Roma, IT", "IT00743110157")
    assert (printed.bank, printed.account) == ("Banca di Esempio", "IT60X0542811101000000123456")
    assert as_printed(OwnCompany(code="mine", name="Oak & Ash")).address == ""
