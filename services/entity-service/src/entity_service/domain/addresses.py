"""The one form of phone numbers and e-mail addresses; what cannot be one is an invalid input."""

from contracts import addresses
from entity_service.domain.errors import InvalidError


def normalise_phone(text: str, where: str = "phone") -> str:
    """The number in E.164 form. Raises `InvalidError`."""
    try:
        return addresses.normalise_phone(text)
    except addresses.AddressError as error:
        raise InvalidError((where, str(error))) from error


def normalise_email(text: str, where: str = "email") -> str:
    """The address in lower case. Raises `InvalidError`."""
    try:
        return addresses.normalise_email(text)
    except addresses.AddressError as error:
        raise InvalidError((where, str(error))) from error
