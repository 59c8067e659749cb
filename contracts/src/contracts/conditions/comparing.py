"""How two values compare: numbers, money of one currency, days, moments and clock times, texts, lists."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from contracts.conditions.tree import compiled_pattern

type Values = Mapping[str, Any]
type Test = Callable[[Any, Any, Values], bool]
"""Whether what was seen stands in a relation to what was expected; the values tell when and where it is judged."""


class ConditionError(Exception):
    """Two values do not compare, such as money of two currencies; the text names path and kinds, for people."""


def now_of(values: Values) -> datetime:
    """When a condition is judged."""
    return _as_moment(values.get("now")) or _missing("now")


def zone_of(values: Values) -> str:
    """The company's time zone."""
    tenant = values.get("tenant")
    if type(tenant) is dict or isinstance(tenant, Mapping):  # the first is the quick one
        return str(tenant["time_zone"])
    return str(_missing("tenant.time_zone"))


def today_of(values: Values) -> date:
    """The day in the company's zone when a condition is judged."""
    now = values.get("now")
    return _day_of(now if isinstance(now, str) else _missing("now"), values)


def _missing(name: str) -> Any:
    raise ConditionError(f"{name} is not known here")


def _day_of(moment: str, values: Values) -> date:
    """The day of a moment in the company's zone."""
    return (_local(moment, zone_of(values)) or _missing("now")).date()


@lru_cache(maxsize=1000)
def _local(text: str, zone: str) -> datetime | None:
    moment = _moment(text)
    return None if moment is None else moment.astimezone(_zone(zone))


_zone = lru_cache(maxsize=1000)(ZoneInfo)


def _as_moment(value: Any) -> datetime | None:
    return _moment(value) if isinstance(value, str) else None


def _ordered(compare: Callable[[Any, Any], bool]) -> Test:
    def ordered(seen: Any, expected: Any, values: Values) -> bool:
        if seen is None or expected is None:
            return False
        return compare(*_comparable(seen, expected, values))

    return ordered


def _comparable(seen: Any, expected: Any, values: Values) -> tuple[Any, Any]:
    """Two values in a form that compares."""
    if is_number(seen) and is_number(expected):
        return seen, expected
    if is_money(seen) and is_money(expected):
        if seen["currency"] != expected["currency"]:
            raise ConditionError(f"{seen['currency']} does not compare with {expected['currency']}")
        return seen["amount"], expected["amount"]
    if isinstance(seen, str) and isinstance(expected, str):
        return _comparable_texts(seen, expected, values)
    if isinstance(seen, str) and is_number(expected) and (number := _number(seen)) is not None:
        return number, expected
    raise ConditionError(f"{kind_of(seen)} does not compare with {kind_of(expected)}")


def _comparable_texts(seen: str, expected: str, values: Values) -> tuple[Any, Any]:
    """Moments by instant, a moment with a day by its day in the company's zone, all else letter by letter."""
    a, b = _moment(seen), _moment(expected)
    if a is not None and b is not None:
        return a, b
    if a is not None and (day := _day(expected)) is not None:
        return _day_of(seen, values), day
    if b is not None and (day := _day(seen)) is not None:
        return day, _day_of(expected, values)
    return seen, expected


def is_money(value: Any) -> bool:
    return isinstance(value, Mapping) and "amount" in value and "currency" in value


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(text: str) -> Decimal | None:
    """Exact numbers come as texts."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> datetime | None:
    if len(text) <= _DAY_LENGTH or not text[:4].isdecimal():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


_DAY_LENGTH = len("2026-01-31")


def _day(text: str) -> date | None:
    if len(text) != _DAY_LENGTH:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


def is_clock(value: Any) -> bool:
    """Whether it is a time of day: `14:00` or `14:00:30`."""
    return isinstance(value, str) and _CLOCK.fullmatch(value) is not None


def _clock_time(value: Any, values: Values) -> time | None:
    if is_clock(value):
        return time.fromisoformat(value)
    moment = _local(value, zone_of(values)) if isinstance(value, str) else None
    return None if moment is None else moment.time()


def kind_of(value: Any) -> str:
    """`a number`, for people, without the value."""
    names = {str: "text", bool: "yes/no", int: "a number", float: "a number", list: "a list"}
    return "money" if is_money(value) else names.get(type(value), "another kind of value")


def _equal(seen: Any, expected: Any, values: Values) -> bool:
    if isinstance(seen, str) and isinstance(expected, str):
        if seen == expected:
            return True
        a, b = _comparable_texts(seen, expected, values)
        return bool(a == b)
    if isinstance(seen, str) and is_number(expected):
        return bool(_number(seen) == expected)
    if isinstance(seen, bool) is not isinstance(expected, bool):
        return False
    return bool(seen == expected)


def _contains(seen: Any, expected: Any, values: Values) -> bool:
    if isinstance(seen, str):
        return str(expected).casefold() in seen.casefold()
    return isinstance(seen, list) and _is_one_of(expected, seen, values)


def _is_one_of(seen: Any, expected: Iterable[Any], values: Values) -> bool:
    for one in expected:  # noqa: SIM110 - a third of the time of any()
        if _equal(seen, one, values):
            return True
    return False


def _contains_any(seen: Any, expected: Any, values: Values) -> bool:
    for one in expected:  # noqa: SIM110 - as above
        if _contains(seen, one, values):
            return True
    return False


def _contains_all(seen: Any, expected: Any, values: Values) -> bool:
    return all(_contains(seen, one, values) for one in expected)


def _empty(seen: Any, _expected: Any, _values: Values) -> bool:
    return seen is None or seen in ("", [], {})


def _text(method: Callable[[str, str], bool]) -> Test:
    return lambda seen, expected, _: isinstance(seen, str) and method(seen.casefold(), str(expected).casefold())


def _between(seen: Any, expected: Any, values: Values) -> bool:
    first, last = expected
    if is_clock(first) and is_clock(last):
        return _in_clock_range(_clock_time(seen, values), time.fromisoformat(first), time.fromisoformat(last))
    return _ge(seen, first, values) and _le(seen, last, values)


def _in_clock_range(at: time | None, first: time, last: time) -> bool:
    """Both ends included; a range that ends before it begins passes midnight."""
    if at is None:
        return False
    at = at.replace(microsecond=0, second=0 if not (first.second or last.second) else at.second)
    return first <= at <= last if first <= last else at >= first or at <= last


def _during(seen: Any, expected: tuple[date, date], values: Values) -> bool:
    if not isinstance(seen, str):
        return False
    day = _day(seen)
    if day is None:
        moment = _local(seen, zone_of(values))
        day = None if moment is None else moment.date()
    return day is not None and expected[0] <= day <= expected[1]


def matching(pattern: str) -> Test:
    """Whether a text has a part that the pattern describes."""
    search = compiled_pattern(pattern).search
    return lambda seen, _expected, _clock: isinstance(seen, str) and search(seen) is not None


_le, _ge = _ordered(operator.le), _ordered(operator.ge)
OPERATORS: Mapping[str, Test] = {
    "eq": _equal,
    "ne": lambda seen, expected, values: not _equal(seen, expected, values),
    "lt": _ordered(operator.lt),
    "le": _le,
    "gt": _ordered(operator.gt),
    "ge": _ge,
    "in": _is_one_of,
    "not_in": lambda seen, expected, values: not _is_one_of(seen, expected, values),
    "contains": _contains,
    "contains_any": _contains_any,
    "contains_all": _contains_all,
    "contains_none": lambda seen, expected, values: not _contains_any(seen, expected, values),
    "starts": _text(str.startswith),
    "ends": _text(str.endswith),
    "between": _between,
    "during": _during,
    "empty": _empty,
    "filled": lambda seen, expected, values: not _empty(seen, expected, values),
}
