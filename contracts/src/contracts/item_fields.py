"""The fields that items of every kind have and people may set, and what is a value of one."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from contracts.issues import Issue, issues_of
from contracts.texts import Line, Title
from contracts.values import MAX_NUMBER, Money


def _bounded(money: Money) -> Money:
    if abs(money.amount) > MAX_NUMBER:
        raise ValueError(f"is at most {MAX_NUMBER} minor units")
    return money


_IDS = Annotated[tuple[UUID, ...], Field(max_length=100)]
_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    "title": TypeAdapter(Title),
    "amount": TypeAdapter(Annotated[Money, AfterValidator(_bounded)] | None),
    "responsible_id": TypeAdapter(UUID | None),
    "observer_ids": TypeAdapter(_IDS),
    "source": TypeAdapter(Line | None),
    "company_id": TypeAdapter(UUID | None),
    "contact_ids": TypeAdapter(_IDS),
}
PLAIN = tuple(_FIELDS)
CLIENTS = ("company_id", "contact_ids")
"""Those of them that are for types with clients only."""
PEOPLE = ("responsible_id", "observer_ids")
"""Those of them that hold employees."""
SEVERAL = ("observer_ids", "contact_ids")
"""Those of them that hold several values."""


def value_of(name: str, value: Any) -> Any:
    """A value of a field as it is kept; whom and what it refers to is looked up elsewhere. Raises `ValidationError`."""
    return _FIELDS[name].validate_python(value)


def value_issues(name: str, value: Any) -> Iterable[Issue]:
    """What is wrong with a value of a field, and where: `observer_ids[0]`."""
    try:
        value_of(name, value)
    except ValidationError as error:
        yield from (Issue(f"{name}{_below(where)}", what) for where, what in issues_of(error))


def _below(where: str) -> str:
    return where if where.startswith("[") or not where else f".{where}"
