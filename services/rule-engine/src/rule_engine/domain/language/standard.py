"""CEL's own functions that authors can use beside those of `functions`: texts, moments, lengths of time, kinds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from contracts.budget import current
from contracts.conditions.patterns import compile_pattern, refuse_pattern
from contracts.envelope import rfc3339
from contracts.moments import read_moment
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.numbers import Number, exact, is_number, plain
from rule_engine.domain.language.operators import kind_of, misfit


@dataclass(frozen=True, slots=True)
class Standard:
    """A function of CEL's, and how many arguments it takes; a method's target counts."""

    apply: Callable[..., Any]
    arities: tuple[int, ...] = (1,)


def _of_texts(name: str, test: Callable[[str, str], bool]) -> Standard:
    def tested(text: Any, part: Any) -> bool:
        if not isinstance(text, str) or not isinstance(part, str):
            raise misfit(name, text, part)
        return test(text, part)

    return Standard(tested, (2,))


def _matches(text: Any, pattern: Any) -> bool:
    """As in conditions, with their limits."""
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise misfit("matches", text, pattern)
    try:
        refuse_pattern(pattern)
    except ValueError as error:
        raise ValueFailureError("matches takes a regular expression after the text") from error
    compiled = compile_pattern(pattern)
    current().spend(compiled.work + compiled.work_on(text), "expressions")
    return compiled.search(text) is not None


def _size(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise misfit("size", value)
    return len(value)


def _bool(value: Any) -> bool:
    known = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise misfit("bool", value)


def _double(value: Any) -> Number:
    if isinstance(value, str) or is_number(value):
        return exact(value)
    raise misfit("double", value)


def _string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case datetime():
            return rfc3339(value)
        case timedelta():
            return f"{plain(seconds_of(value))}s"
    if is_number(value):
        return str(plain(exact(value)))
    raise misfit("string", value)


def _timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        moment = read_moment(value) if isinstance(value, str) else _since_1970(value)
    except (ValueError, OverflowError) as error:
        raise ValueFailureError("timestamp takes a moment such as 2026-03-02T14:00:00Z") from error
    if moment.tzinfo is None:
        raise ValueFailureError("timestamp takes a moment with its zone, such as 2026-03-02T14:00:00Z")
    return moment.astimezone(UTC)


def _since_1970(value: Any) -> datetime:
    if not is_number(value):
        raise misfit("timestamp", value)
    return datetime(1970, 1, 1, tzinfo=UTC) + _length(exact(value))


_PART = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|us|ns)")
_LENGTH = re.compile(rf"[+-]?(?:{_PART.pattern})+")
_SECONDS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or len(value) > 100 or not _LENGTH.fullmatch(value):
        raise ValueFailureError("duration takes a length of time such as '90m' or '1h30m'")
    seconds = sum((Fraction(number) * _SECONDS[unit] for number, unit in _PART.findall(value)), Fraction())
    try:
        return _length(-seconds if value.startswith("-") else seconds)
    except OverflowError as error:
        raise ValueFailureError("duration takes a length of time of at most 2.7 million years") from error


def _length(seconds: Number) -> timedelta:
    return timedelta(microseconds=int(seconds * 10**6))


def seconds_of(length: timedelta) -> Fraction:
    """Exactly."""
    return Fraction(length // timedelta(microseconds=1), 10**6)


type _Of[T] = Callable[[T], int]


def _part_of_moment(name: str, part: _Of[datetime], of_length: _Of[timedelta] | None) -> Standard:
    def read(value: Any, zone: Any = "UTC") -> int:
        if isinstance(value, timedelta) and of_length is not None:
            return of_length(value)
        if not isinstance(value, datetime):
            raise misfit(name, value)
        return part(_there(value, zone))

    return Standard(read, (1, 2))


def _there(moment: datetime, zone: Any) -> datetime:
    """On the clocks of a zone, by its name or as an offset such as `+02:00`."""
    if not isinstance(zone, str) or len(zone) > 100:
        raise ValueFailureError("a time zone is written like 'Europe/Berlin' or '+02:00'")
    try:
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo if zone[:1] in ("+", "-") else None
        return moment.astimezone(offset or ZoneInfo(zone))
    except (KeyError, OSError, OverflowError, ValueError) as error:
        raise ValueFailureError(f"there is no time zone {zone!r:.40}") from error


def _whole(unit: timedelta) -> _Of[timedelta]:
    return lambda length: int(Fraction(length // timedelta(microseconds=1), unit // timedelta(microseconds=1)))


_MOMENT: Mapping[str, tuple[_Of[datetime], _Of[timedelta] | None]] = {
    "getFullYear": (lambda at: at.year, None),
    "getMonth": (lambda at: at.month - 1, None),
    "getDate": (lambda at: at.day, None),
    "getDayOfMonth": (lambda at: at.day - 1, None),
    "getDayOfWeek": (lambda at: at.isoweekday() % 7, None),
    "getDayOfYear": (lambda at: at.timetuple().tm_yday - 1, None),
    "getHours": (lambda at: at.hour, _whole(timedelta(hours=1))),
    "getMinutes": (lambda at: at.minute, _whole(timedelta(minutes=1))),
    "getSeconds": (lambda at: at.second, _whole(timedelta(seconds=1))),
    "getMilliseconds": (lambda at: at.microsecond // 1000, lambda length: length.microseconds // 1000),
}
STANDARD: Mapping[str, Standard] = {
    "contains": _of_texts("contains", lambda text, part: part in text),
    "startsWith": _of_texts("startsWith", str.startswith),
    "endsWith": _of_texts("endsWith", str.endswith),
    "matches": Standard(_matches, (2,)),
    "size": Standard(_size),
    "bool": Standard(_bool),
    "double": Standard(_double),
    "string": Standard(_string),
    "timestamp": Standard(_timestamp),
    "duration": Standard(_duration),
    "dyn": Standard(lambda value: value),
    "type": Standard(kind_of),
} | {name: _part_of_moment(name, *parts) for name, parts in _MOMENT.items()}
