"""What people, rules and the records say of clients: of persons, and of their companies."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from contracts.addresses import normalise_email, normalise_phone
from contracts.calendars import Zone
from contracts.inputs import Input
from contracts.issues import Issue, issues_of
from contracts.texts import Line, Name
from contracts.values import Fields

MAX_ADDRESSES = 20
"""Phone numbers of one client, and as many e-mail addresses."""


class PhoneInput(Input):
    """A phone number with + and its country code, or the number alone; kept in E.164 form."""

    number: Annotated[str, StringConstraints(max_length=50), AfterValidator(normalise_phone)]
    type: Literal["work", "home", "mobile", "other"] = "mobile"

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        return {"number": given} if isinstance(given, str) else given


class EmailInput(Input):
    """An e-mail address with its type, or the address alone; kept in lower case."""

    address: Annotated[str, StringConstraints(max_length=320), AfterValidator(normalise_email)]
    type: Literal["work", "home", "other"] = "work"

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        return {"address": given} if isinstance(given, str) else given


Phones = Annotated[tuple[PhoneInput, ...], Field(max_length=MAX_ADDRESSES)]
Emails = Annotated[tuple[EmailInput, ...], Field(max_length=MAX_ADDRESSES)]
SEVERAL = ("phones", "emails")
"""The fields that hold several values."""


class ContactFields(Fields):
    """Of a person."""

    first_name: Line = ""
    last_name: Line = ""
    phones: Phones = ()
    emails: Emails = ()
    opted_out: bool = False
    time_zone: Zone | None = None


class CompanyFields(Fields):
    """Of a company."""

    title: Name
    phones: Phones = ()
    emails: Emails = ()
    address: Annotated[str, StringConstraints(max_length=1000)] | None = None
    tax_number: Line | None = None


type ClientFields = type[ContactFields] | type[CompanyFields]


@cache
def _adapter(fields: ClientFields, name: str) -> TypeAdapter[Any]:
    info = fields.model_fields[name]
    annotation: Any = Annotated[info.annotation, info]
    return TypeAdapter(annotation)


def value_of(fields: ClientFields, name: str, value: Any) -> Any:
    """A value of one field as it is kept; null empties the field. Raises `ValidationError`."""
    info = fields.model_fields[name]
    return info.default if value is None and not info.is_required() else _adapter(fields, name).validate_python(value)


def value_issues(fields: ClientFields, name: str, value: Any) -> Iterable[Issue]:
    """What is wrong with a value of one field, and where: `phones[0].number`."""
    try:
        value_of(fields, name, value)
    except ValidationError as error:
        yield from (Issue(f"{name}{_below(where)}", what) for where, what in issues_of(error))


def _below(where: str) -> str:
    return where if where.startswith("[") or not where else f".{where}"
