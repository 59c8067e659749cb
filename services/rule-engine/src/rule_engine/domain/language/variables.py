"""Variables, which change while rules run, and constants, which people change: definitions, and what fits them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.conditions.comparison import is_clock
from contracts.conditions.model import shown
from contracts.envelope import rfc3339
from contracts.issues import Issue, Written
from contracts.moments import read_moment
from contracts.texts import MAX_TITLE
from contracts.values import FileRef, ItemKind, Money
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.numbers import as_json, exact

Type = Literal[
    "string", "text", "int", "number", "bool", "list", "date", "datetime", "time", "money", "user", "file", "link"
]
Group = Literal["variable", "constant"]
Scope = Literal["tenant", "item", "run"]
Name = Annotated[
    str, Written(r"^[a-z][a-z0-9_]{0,63}$", "a name: small letters, digits and _, a letter first, such as total_2")
]
"""A code that is a name in texts and expressions too: `var.<code>`, `const.<code>`."""
MAX_VALUES = 1_000
"""Values of a multiple one."""


class MisfitError(Exception):
    """A value does not fit a type; the text says what is expected, not the value."""


class ConstantDocument(BaseModel):
    """A constant as its author writes it. Its value is what it is everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    type: Type
    multiple: bool = False
    options: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=1000)] = ()
    """What a `list` chooses from."""
    visible_for: ItemKind | None = None
    """The only kind of items whose rules can name it; none: all."""
    archived: bool = False
    value: JsonValue = None


class VariableDocument(ConstantDocument):
    """A variable as its author writes it. `value` is what it is until a rule or a person sets it."""

    scope: Scope = "tenant"
    """Whether there is one value for all, one for each item, or one for each run."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A variable or constant."""

    group: Group
    code: str
    document: VariableDocument

    @property
    def root(self) -> str:
        return "var" if self.group == "variable" else "const"

    def visible(self, kind: ItemKind) -> bool:
        return not self.document.archived and self.document.visible_for in (None, kind)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a run can read: definitions, with the values of its tenant, its item and itself."""

    definitions: Mapping[tuple[Group, str], Definition] = field(default_factory=dict)
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    """Variables that have been set."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Of those, how often."""

    def named(self) -> dict[str, dict[str, JsonValue]]:
        """`var` and `const` as authors name them; archived ones are still there for what was published before."""
        found: dict[str, dict[str, JsonValue]] = {"var": {}, "const": {}}
        for one in self.definitions.values():
            is_set = one.group == "variable" and one.code in self.values
            found[one.root][one.code] = self.values[one.code] if is_set else one.document.value
        return found

    def variable(self, code: str) -> Definition | None:
        return self.definitions.get(("variable", code))

    def with_value(self, code: str, value: JsonValue) -> "Stored":
        return Stored(self.definitions, {**self.values, code: value}, self.versions)


NOTHING_STORED = Stored()


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable's new value, and whose it is: the tenant's, an item's, a run's."""

    code: str
    scope: Scope
    value: JsonValue


def fitting(value: Any, document: ConstantDocument, zone: str = "UTC") -> JsonValue:
    """The value as it is kept. Texts are read as numbers, dates and yes or no where those are wanted, since that is
    what templates make; of a moment a date takes the day in `zone`; empty is always allowed. Raises `MisfitError`.
    """
    if value is None or value == "":
        return [] if document.multiple and value is None else None
    if document.multiple:
        values = value if isinstance(value, list) else [value]
        if len(values) > MAX_VALUES:
            raise MisfitError(f"has at most {MAX_VALUES} values")
        return [_one(one, document, zone) for one in values]
    if isinstance(value, list):
        if len(value) != 1:
            raise MisfitError(f"takes one value, not {len(value)}")
        (value,) = value
    return _one(value, document, zone)


def _one(value: Any, document: ConstantDocument, zone: str) -> JsonValue:
    try:
        if document.type == "date":
            return _day(value, zone)
        return _READERS[document.type](value, document)
    except (ArithmeticError, TypeError, ValueError, ValueFailureError) as error:
        raise MisfitError(f"takes {_WANTED[document.type]}") from error


def _text(value: Any, most: int) -> str:
    text = shown(value) if isinstance(value, bool) else str(value) if isinstance(value, str | int | float) else None
    if text is None or len(text) > most:
        raise ValueError
    return text


def _number(value: Any) -> int | float:
    return as_json(exact(value))


def _whole(value: Any) -> int:
    number = _number(value)
    if not isinstance(number, int):
        raise ValueError
    return number


def _yes_no(value: Any) -> bool:
    known = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
    found = value if isinstance(value, bool) else known.get(str(value).strip().lower())
    if found is None:
        raise ValueError
    return found


def _option(value: Any, document: ConstantDocument) -> str:
    if value not in document.options:
        raise ValueError
    return str(value)


def _day(value: Any, zone: str) -> str:
    written = _written(value)
    if "T" not in written.upper():
        return date.fromisoformat(written).isoformat()
    moment = read_moment(written)
    return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date().isoformat()


def _written(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _moment(value: Any) -> str:
    moment = read_moment(_written(value))
    if moment.tzinfo is None:
        raise ValueError
    return rfc3339(moment)


def _clock(value: Any) -> str:
    if not is_clock(value):
        raise ValueError
    return str(value)


def _id(value: Any) -> str:
    named = value.get("id") if isinstance(value, dict) else value
    if not isinstance(named, str):
        raise TypeError
    return str(UUID(named))


_READERS: Mapping[Type, Callable[[Any, ConstantDocument], JsonValue]] = {
    "string": lambda value, _: _text(value, MAX_TITLE),
    "text": lambda value, _: _text(value, 100_000),
    "int": lambda value, _: _whole(value),
    "number": lambda value, _: _number(value),
    "bool": lambda value, _: _yes_no(value),
    "list": _option,
    "datetime": lambda value, _: _moment(value),
    "time": lambda value, _: _clock(value),
    "money": lambda value, _: Money.model_validate(value).model_dump(),
    "user": lambda value, _: _id(value),
    "file": lambda value, _: FileRef.model_validate(value).model_dump(mode="json"),
    "link": lambda value, _: _id(value),
}
_WANTED: Mapping[Type, str] = {
    "string": f"a text of at most {MAX_TITLE} characters",
    "text": "a text of at most 100000 characters",
    "int": "a whole number",
    "number": "a number",
    "bool": "yes or no",
    "list": "one of its options",
    "date": "a date such as 2026-03-02",
    "datetime": "a moment such as 2026-03-02T14:00:00Z",
    "time": "a time of day such as 14:00",
    "money": "an amount in minor units with its currency",
    "user": "the id of an employee",
    "file": "a file",
    "link": "the id of an item",
}


def misfits(values: Iterable[tuple[str, JsonValue]], document: ConstantDocument) -> list[Issue]:
    """Which of these values, named by whose they are, would not fit, and why."""
    found = []
    for owner, value in values:
        try:
            fitting(value, document)
        except MisfitError as error:
            found.append(Issue(owner, str(error)))
    return found


def by_name(definitions: Sequence[Definition]) -> dict[tuple[Group, str], Definition]:
    return {(one.group, one.code): one for one in definitions}
