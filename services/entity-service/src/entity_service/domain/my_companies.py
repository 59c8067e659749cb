"""The tenant's own companies, one of which documents print unless another is chosen."""

from pydantic import model_validator

from contracts.contexts import MyCompany
from contracts.requisites import NO_REQUISITES, Requisites, on_one_line
from contracts.texts import Line, Name
from contracts.values import Code, Fields, Value
from entity_service.domain.requisites import main_record


class OwnCompanyFields(Fields):
    """What is said of an own company beside its requisites."""

    name: Name
    email: Line = ""
    phone: Line = ""
    default: bool = False
    """Documents print it. Without a default one it is the oldest that is not archived."""
    archived: bool = False

    @model_validator(mode="after")
    def _default_is_in_use(self) -> "OwnCompanyFields":
        if self.default and self.archived:
            raise ValueError("an archived company cannot be the default one")
        return self


class OwnCompany(OwnCompanyFields, Value):
    """An own company as it is kept."""

    code: Code
    requisites: Requisites = NO_REQUISITES


def as_printed(company: OwnCompany) -> MyCompany:
    """The company as contexts have it."""
    record = main_record(company.requisites)
    accounts = record.bank_accounts if record else ()
    return MyCompany(
        code=company.code,
        name=company.name,
        email=company.email,
        phone=company.phone,
        address=on_one_line(record.addresses.legal) if record else "",
        tax_number=(record.vat_number or record.tax_number) if record else "",
        bank=accounts[0].bank if accounts else "",
        account=(accounts[0].iban or accounts[0].account_number) if accounts else "",
        requisites=company.requisites,
    )
