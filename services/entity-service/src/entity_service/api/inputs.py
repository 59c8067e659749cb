"""What the inputs of several nouns have in common."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator, Field, StringConstraints

from contracts.contexts import Email, Phone
from contracts.inputs import Input, Moment, keepable
from contracts.texts import one_line
from contracts.values import MAX_NUMBER, Money
from entity_service.domain.addresses import MAX_ADDRESSES, normalise_email, normalise_phone
from entity_service.domain.errors import InvalidError
from entity_service.domain.resources import Span
from entity_service.store.addresses import AddressFilter


def _not_too_large(money: Money) -> Money:
    if abs(money.amount) > MAX_NUMBER:
        raise ValueError(f"is at most {MAX_NUMBER} minor units")
    return money


Amount = Annotated[Money, AfterValidator(_not_too_large)]


def _as_titles_are(text: str | None) -> str | None:
    return text and one_line(keepable(text))


SearchText = Annotated[str | None, Query(min_length=1, max_length=200), AfterValidator(_as_titles_are)]
Address = Annotated[str | None, Query(max_length=320), AfterValidator(keepable)]


class PhoneInput(Input):
    """A phone number with + and its country code; kept in E.164 form."""

    number: Annotated[str, StringConstraints(max_length=50)]
    type: Literal["work", "home", "mobile", "other"] = "mobile"


class EmailInput(Input):
    """An e-mail address; kept in lower case."""

    address: Annotated[str, StringConstraints(max_length=320)]
    type: Literal["work", "home", "other"] = "work"


Phones = Annotated[tuple[PhoneInput, ...], Field(max_length=MAX_ADDRESSES)]
Emails = Annotated[tuple[EmailInput, ...], Field(max_length=MAX_ADDRESSES)]


def phones_of(inputs: Sequence[PhoneInput]) -> tuple[Phone, ...]:
    """Raises `InvalidError` that names the place of a number that is none."""
    return tuple(
        Phone(number=normalise_phone(phone.number, f"phones[{place}].number"), type=phone.type)
        for place, phone in enumerate(inputs)
    )


def emails_of(inputs: Sequence[EmailInput]) -> tuple[Email, ...]:
    """Raises `InvalidError` that names the place of an address that is none."""
    return tuple(
        Email(address=normalise_email(email.address, f"emails[{place}].address"), type=email.type)
        for place, email in enumerate(inputs)
    )


LONGEST_TIME = timedelta(days=366)


def _time_of(start: Annotated[Moment, Query(alias="from")], end: Annotated[Moment, Query(alias="to")]) -> Span:
    """A time from one moment to a later one. Raises `InvalidError`."""
    if not timedelta(0) < end - start <= LONGEST_TIME:
        raise InvalidError(("to", f"is later than from, by at most {LONGEST_TIME.days} days"))
    return Span(start, end)


During = Annotated[Span, Depends(_time_of)]


def address_filter(phone: str | None, email: str | None) -> AddressFilter:
    """Raises `InvalidError`."""
    return AddressFilter(
        phone=normalise_phone(phone) if phone else None, email=normalise_email(email) if email else None
    )
