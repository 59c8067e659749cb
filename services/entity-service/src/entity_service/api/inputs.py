"""What all inputs have in common: no unknown fields, no endless texts, no characters that cannot be kept."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from contracts.kit.http import Problem, decode_cursor
from contracts.values import Money
from entity_service.domain.fields import MAX_NUMBER


class Input(BaseModel):
    """A request's body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_what_can_be_kept(cls, body: Any) -> Any:
        check_text(body)
        return body


def check_text(value: Any) -> Any:
    """Refuses null characters and lone surrogates, wherever they are: neither PostgreSQL nor JSON keeps them."""
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        raise ValueError("texts must not contain null characters or lone surrogates")
    if isinstance(value, dict):
        for key, one in value.items():
            check_text(key)
            check_text(one)
    elif isinstance(value, list):
        for one in value:
            check_text(one)
    return value


def _not_too_large(money: Money) -> Money:
    if abs(money.amount) > MAX_NUMBER:
        raise ValueError(f"is at most {MAX_NUMBER} minor units")
    return money


Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Amount = Annotated[Money, AfterValidator(_not_too_large)]
Short = Annotated[str, StringConstraints(max_length=200)]

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200, description="the next_cursor of the page before")]
SearchText = Annotated[str | None, Query(min_length=1, max_length=200), AfterValidator(check_text)]
Address = Annotated[str | None, Query(max_length=320), AfterValidator(check_text)]


def before(cursor: str | None) -> UUID | None:
    """The id after which a page begins. Raises 400 for what is no cursor of this service."""
    key = decode_cursor(cursor)
    if key is None:
        return None
    try:
        (text,) = key
        return UUID(text)
    except (AttributeError, TypeError, ValueError) as error:
        raise Problem(400, "Bad request", "cursor: use the next_cursor of an earlier page") from error


class PhoneInput(Input):
    """A phone number with + and its country code; kept in E.164 form."""

    number: Annotated[str, StringConstraints(max_length=50)]
    type: Literal["work", "home", "mobile", "other"] = "mobile"


class EmailInput(Input):
    """An e-mail address; kept in lower case."""

    address: Annotated[str, StringConstraints(max_length=320)]
    type: Literal["work", "home", "other"] = "work"
