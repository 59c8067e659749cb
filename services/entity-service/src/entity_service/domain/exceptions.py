"""Phones and addresses that make no items any more."""

from pydantic import AwareDatetime

from contracts.values import Value
from entity_service.domain.addresses import normalise_email, normalise_phone


class ExceptedAddress(Value):
    """A phone number or e-mail address in its one form, and who put it on the list when and why."""

    address: str
    note: str
    added_by: str
    added_at: AwareDatetime


def one_form(address: str) -> str:
    """The phone number or e-mail address as contacts keep it. Raises `InvalidError`."""
    normalise = normalise_email if "@" in address else normalise_phone
    return normalise(address, "path.address")
