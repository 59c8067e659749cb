"""What inputs have in common: no endless texts, no numbers too large to count with."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, StringConstraints

from contracts.inputs import Input, keepable
from contracts.kit.http import decode_cursor
from contracts.texts import one_line
from contracts.values import MAX_NUMBER, Money


def _not_too_large(money: Money) -> Money:
    if abs(money.amount) > MAX_NUMBER:
        raise ValueError(f"is at most {MAX_NUMBER} minor units")
    return money


Text = Annotated[str, StringConstraints(max_length=10_000)]
Amount = Annotated[Money, AfterValidator(_not_too_large)]


def _as_titles_are(text: str | None) -> str | None:
    return text and one_line(keepable(text))


SearchText = Annotated[str | None, Query(min_length=1, max_length=200), AfterValidator(_as_titles_are)]
Address = Annotated[str | None, Query(max_length=320), AfterValidator(keepable)]


def before(cursor: str | None) -> UUID | None:
    """The id after which a page begins. Raises 400 for what is no cursor of this service."""
    key = decode_cursor(cursor, tuple[UUID])
    return key[0] if key else None


class PhoneInput(Input):
    """A phone number with + and its country code; kept in E.164 form."""

    number: Annotated[str, StringConstraints(max_length=50)]
    type: Literal["work", "home", "mobile", "other"] = "mobile"


class EmailInput(Input):
    """An e-mail address; kept in lower case."""

    address: Annotated[str, StringConstraints(max_length=320)]
    type: Literal["work", "home", "other"] = "work"
