"""How addresses are written: phone numbers in E.164 form, e-mail addresses in lower case."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from entity_service.domain.errors import InvalidError


def normalise_phone(text: str, where: str = "phone") -> str:
    """The number in E.164 form; it has to begin with + or 00 and the country code.

    Possible, not assigned: number plans change faster than the library's tables.
    """
    international = "+" + text.strip()[2:] if text.strip().startswith("00") else text
    try:
        number = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException as error:
        raise InvalidError((where, "write the phone number with + and the country code")) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidError((where, "has too many or too few digits for a phone number of its country"))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_email(text: str, where: str = "email") -> str:
    """The address in lower case: nobody tells people apart by the case of their address."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise InvalidError((where, "is not an e-mail address")) from error
