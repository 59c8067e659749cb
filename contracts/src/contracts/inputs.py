"""Input from outside: bodies without unknown fields, and without values that cannot be stored.

Texts are composed (NFC), so that what looks the same is the same.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator

from contracts.texts import composed

MAX_DEPTH = 100
"""Levels of lists and objects; JSON writers give up at about 250."""
MAX_INTEGER = 2**63 - 1


class Input(BaseModel):
    """A request's body, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, given: Any) -> Any:
        return keepable(given)


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is before the first or after the last moment that UTC has") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time that UTC has, in UTC."""


def keepable(given: Any) -> Any:
    """The same value, its texts composed. Raises ValueError with what cannot be stored and its place."""
    if fault := unkeepable(given):
        raise ValueError(fault)
    return composed(given)


def unkeepable(given: Any) -> str | None:
    """What of a JSON value cannot be stored, and where it is; null when all of it can.

    PostgreSQL takes no null characters, UTF-8 no lone surrogates, JSON no infinities, its readers no endless integers.
    """
    if isinstance(given, str):
        return _text_fault(given)
    rest: list[tuple[str, int, Any]] = [("", 0, given)]
    while rest:
        place, depth, part = rest.pop()
        if fault := _fault(part, depth):
            return f"{place}: {fault}" if place else fault
        rest += [(_below(place, key), depth + 1, one) for key, one in _parts(part)]
    return None


def _fault(part: Any, depth: int) -> str | None:
    match part:
        case str():
            return _text_fault(part)
        case dict() if fault := next(filter(None, map(_text_fault, filter(_is_text, part))), None):
            return f"the name of a field {fault}"
        case float() if not math.isfinite(part):
            return "is no number"
        case int() if abs(part) > MAX_INTEGER:
            return "is a larger number than can be kept"
        case dict() | list() | tuple() if depth > MAX_DEPTH:
            return f"is nested in more than {MAX_DEPTH} levels"
        case _:
            return None


def _is_text(key: Any) -> bool:
    return isinstance(key, str)


def _text_fault(text: str) -> str | None:
    if "\x00" in text:
        return "contains a null character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains a lone surrogate"
    return None


def _parts(part: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(part, dict):
        yield from part.items()
    elif isinstance(part, list | tuple):
        yield from enumerate(part)


def _below(place: str, key: Any) -> str:
    """`rules[0].name`."""
    return f"{place}[{key}]" if isinstance(key, int) else f"{place}.{_name(key)}".lstrip(".")


def _name(key: Any) -> str:
    return str(key).encode("ascii", "backslashreplace").decode()[:60]
