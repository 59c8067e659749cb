"""What the inputs of several nouns have in common."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator

from contracts.inputs import Moment, keepable
from contracts.texts import one_line
from contracts.values import MAX_NUMBER, Money
from entity_service.domain.addresses import normalise_email, normalise_phone
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
