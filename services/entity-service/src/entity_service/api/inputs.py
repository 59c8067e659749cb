"""What all inputs have in common: no unknown fields, no endless texts, no characters that cannot be kept."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from contracts.kit.http import decode_cursor
from contracts.values import Money, is_storable
from entity_service.domain.fields import MAX_NUMBER


class Input(BaseModel):
    """A request's body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_what_can_be_kept(cls, body: Any) -> Any:
        return check_text(body)


def check_text(value: Any) -> Any:
    """Refuses null characters and lone surrogates, wherever they are."""
    if not is_storable(value):
        raise ValueError("texts must not contain null characters or lone surrogates")
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

SearchText = Annotated[str | None, Query(min_length=1, max_length=200), AfterValidator(check_text)]
Address = Annotated[str | None, Query(max_length=320), AfterValidator(check_text)]


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
