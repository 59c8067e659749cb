"""Requisites: numbers that have check digits are checked and kept in their one form; rules change single fields."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue, ValidationError
from stdnum import bic, iban
from stdnum.eu import vat
from stdnum.exceptions import ValidationError as NumberError

from contracts.issues import issues_of, unknown
from contracts.requisites import (
    AddressFields,
    AddressType,
    BankAccount,
    PartyRequisites,
    Requisites,
    RequisitesTemplate,
    names_of,
)
from entity_service.domain.errors import InvalidError

EU_PREFIXES = frozenset({*(state.upper() for state in vat.MEMBER_STATES), "EL"}) - {"GR"}
"""Of VAT numbers that can be checked; Greece writes EL."""

type Errors = list[tuple[str, str]]


def checked(requisites: Requisites, where: str = "requisites") -> Requisites:
    """The requisites with their numbers as they are kept. Raises `InvalidError` that names each that is none."""
    errors: Errors = []
    records = {name: _checked(record, f"{where}.{name}", errors) for name, record in _records(requisites)}
    if errors:
        raise InvalidError(*errors)
    return requisites.model_copy(update=records)


def _records(requisites: Requisites) -> Iterator[tuple[str, PartyRequisites]]:
    for name in Requisites.model_fields:
        if (record := getattr(requisites, name)) is not None:
            yield name, record


def _checked(record: PartyRequisites, where: str, errors: Errors) -> PartyRequisites:
    accounts = tuple(
        _account(account, f"{where}.bank_accounts[{place}]", errors)
        for place, account in enumerate(record.bank_accounts)
    )
    number = _number(_vat, record.vat_number, f"{where}.vat_number", "is no VAT number of its country", errors)
    return record.model_copy(update={"vat_number": number or "", "bank_accounts": accounts})


def _account(account: BankAccount, where: str, errors: Errors) -> BankAccount:
    if not account.iban and not account.account_number:
        errors.append((where, "needs an iban or an account_number"))
    numbers = {
        "iban": _number(iban.validate, account.iban, f"{where}.iban", "is no IBAN", errors),
        "bic": _number(bic.validate, account.bic, f"{where}.bic", "is no BIC", errors),
    }
    return account.model_copy(update=numbers)


def _number(check: Callable[[str], str], given: str | None, where: str, what: str, errors: Errors) -> str | None:
    try:
        return check(given) if given else None
    except NumberError:
        errors.append((where, f"{what}: a letter or digit is wrong, missing or too many"))
        return None


def _vat(number: str) -> str:
    """Numbers of countries that are not checked stay as they are written."""
    return vat.validate(number) if number[:2].upper() in EU_PREFIXES else number


def with_values(
    requisites: Requisites, template: RequisitesTemplate, address: AddressType, values: Mapping[str, JsonValue]
) -> Requisites:
    """The requisites with new values of one template's fields, and of its address of this type; null empties.

    Raises `InvalidError` with everything that is wrong.
    """
    known = names_of(template)
    if strange := [name for name in values if name not in known]:
        raise InvalidError(*((name, unknown("requisite field", name, known)) for name in strange))
    try:
        changed = Requisites.model_validate(_merged(requisites, template, address, values))
    except ValidationError as error:
        raise InvalidError(*((_field(where), what) for where, what in issues_of(error))) from error
    return checked(changed)


def _merged(
    requisites: Requisites, template: RequisitesTemplate, address: AddressType, values: Mapping[str, JsonValue]
) -> dict[str, Any]:
    all_of: dict[str, Any] = requisites.model_dump()
    record = all_of[template] or {}
    addresses = record.get("addresses") or {}
    of_address = {name: value for name, value in values.items() if name in AddressFields.model_fields}
    own = {name: value for name, value in values.items() if name not in of_address}
    if of_address:
        addresses = addresses | {address: _set(addresses.get(address) or {}, of_address)}
    return all_of | {template: _set(record, own) | {"addresses": addresses}}


def _set(present: Mapping[str, Any], values: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Without what is emptied, which has its default then."""
    return {name: value for name, value in {**present, **values}.items() if value is not None}


def _field(where: str) -> str:
    return where.rpartition(".")[2]


def changed_names(before: Requisites, after: Requisites) -> tuple[str, ...]:
    """What differs, as authors name it: `organisation.tax_number`, `person.addresses.legal.city`."""
    was, is_now = (dict(_leaves(one.model_dump(mode="json"))) for one in (before, after))
    return tuple(sorted(name for name in was.keys() | is_now.keys() if was.get(name) != is_now.get(name)))


def _leaves(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        if isinstance(one, Mapping):
            yield from _leaves(one, f"{above}{name}.")
        elif one not in (None, "", []):
            yield f"{above}{name}", one


def main_record(requisites: Requisites) -> PartyRequisites | None:
    """The one that documents print of a party that has several."""
    return next((record for _, record in _records(requisites)), None)
