"""Arguments of functions, read as what they are needed as; each raises `ValueFailureError` for what will not do."""

from collections.abc import Sequence
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions.surroundings import here, local_in, moment_in
from rule_engine.domain.language.numbers import MAX_PLACES, as_json, exact


def is_empty(value: Any) -> bool:
    return value is None or value == ""


def is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == len("2026-01-31")


def day_of(value: Any) -> date:
    return date.fromisoformat(value) if is_day(value) else zoned(value).date()


def zoned(value: Any) -> datetime:
    return moment_of(value).astimezone(here().zone)


def moment_of(value: Any) -> datetime:
    return moment_in(value, here().zone)


def local(day: date, at: time) -> datetime:
    return local_in(day, at, here().zone)


def whole(value: Any) -> int:
    return int(exact(value))


def places(digits: Any) -> int:
    """Digits after the point, at most those that numbers can have."""
    return min(max(whole(digits), 0), MAX_PLACES)


def text_of(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() | float() | Fraction():
            return str(as_json(exact(value)))
        case _:
            raise ValueFailureError("needs a text")


def list_of(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]
