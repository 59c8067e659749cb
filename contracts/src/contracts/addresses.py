"""The one form that a phone number and an e-mail address have, by which their owner is known again."""

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from phonenumbers import PhoneNumberFormat, ValidationResult


class AddressError(ValueError):
    """It cannot be an address. Says what to do, and never repeats what was given."""


def normalise_phone(text: str, region: str | None = None) -> str:
    """The number in E.164 form; without a `region` (ISO 3166) it has to begin with + or 00 and the country code.

    Possible, not assigned: number plans change faster than the library's tables.
    """
    given = text.strip()
    try:
        number = phonenumbers.parse("+" + given[2:] if given.startswith("00") else given, region)
    except phonenumbers.NumberParseException as error:
        raise AddressError("write the phone number with + and the country code") from error
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise AddressError("has too many or too few digits for a phone number of its country")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def normalise_email(text: str) -> str:
    """The address in lower case: nobody tells people apart by the case of their address."""
    return _valid(_valid(text).normalized.lower()).normalized  # lower case may be longer, and is to be accepted again


def mailbox(text: str) -> str:
    """The same addresses as servers take them: the mailbox as written, the domain in ASCII (IDNA)."""
    valid = _valid(text)
    return f"{valid.local_part}@{valid.ascii_domain}"


def _valid(text: str) -> ValidatedEmail:
    """Letters of any script (RFC 6531). Nobody is asked whether the address exists."""
    try:
        return validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressError("is not an e-mail address") from error


def consent_key(address: str) -> str:
    """How consent to an address is filed, in whichever normalised form a service keeps it: case and script aside."""
    if "@" not in address:
        return address
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return address.lower()
    return f"{valid.local_part}@{valid.ascii_domain}".lower()
