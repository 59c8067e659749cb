"""The normal form of phone numbers and e-mail addresses, by which their owner is recognised."""

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from phonenumbers import PhoneNumberFormat, ValidationResult


class AddressError(ValueError):
    """The text is no address. Says what to do, and never repeats what was given."""


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
    """The address in lower case: addresses that differ only in case are the same person's."""
    return _valid(_valid(text).normalized.lower()).normalized  # lower case may be longer, and is to be accepted again


def mailbox(text: str) -> str:
    """The same addresses as servers take them: the mailbox as written, the domain in ASCII (IDNA)."""
    valid = _valid(text)
    return f"{valid.local_part}@{valid.ascii_domain}"


def _valid(text: str) -> ValidatedEmail:
    """Letters of any script (RFC 6531). Whether the address exists is not checked."""
    try:
        return validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressError("is not an e-mail address") from error


def consent_key(address: str) -> str:
    """The key of consent to an address: the same for every normal form of it, whatever its case and script."""
    if "@" not in address:
        return address
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return address.lower()
    return f"{valid.local_part}@{valid.ascii_domain}".lower()
