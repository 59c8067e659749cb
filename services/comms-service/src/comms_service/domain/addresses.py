"""The one form of addresses that messages are sent to and from."""

from comms_service.domain.errors import UnusableError
from contracts import addresses
from contracts.messages.comms import SendMessage


def normalise(address: str) -> str:
    """An e-mail address or phone number in its one form for sending; raises `UnusableError`."""
    return normalise_email(address) if "@" in address else normalise_phone(address)


def normalise_email(address: str) -> str:
    """As servers take it: the mailbox as written, the domain in ASCII (IDNA)."""
    try:
        return addresses.mailbox(address)
    except addresses.AddressError as error:
        raise UnusableError(f"the address {error}: expected the form name@domain.example") from error


def normalise_phone(number: str) -> str:
    """E.164; the country code is demanded."""
    try:
        return addresses.normalise_phone(number)
    except addresses.AddressError as error:
        raise UnusableError(f"the phone number is not valid: {error}") from error


def address_of(message: SendMessage) -> str:
    """The normalised address, of the kind the message needs; raises `UnusableError`."""
    return normalise_email(message.to) if message.kind == "email" else normalise_phone(message.to)
