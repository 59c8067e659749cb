"""How two values compare: numbers, money of one currency, days, moments and clock times, texts, lists."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from contracts.conditions.patterns import Pattern
from contracts.moments import read_moment

type Values = Mapping[str, Any]
type Test = Callable[[Any, Any, Values], bool]
"""Whether what was seen stands in a relation to what was expected; the values hold `now` and the time zone."""


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


def _local(text: str, zone: str) -> datetime | None:
    return _localised(text, zone) if len(text) <= MOMENT_LENGTH else None


@lru_cache(maxsize=1000)
def _localised(text: str, zone: str) -> datetime | None:
    moment = _moment(text)
    return None if moment is None else moment.astimezone(_zone(zone))


_zone = lru_cache(maxsize=1000)(ZoneInfo)


def _as_moment(value: Any) -> datetime | None:
    return _moment(value) if isinstance(value, str) else None


def ordered_by(compare: Callable[[Any, Any], bool]) -> Test:
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
    return (type(value) is dict or isinstance(value, Mapping)) and "amount" in value and "currency" in value


def is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float  # yes/no is neither


def _number(text: str) -> Decimal | None:
    """Exact numbers come as texts."""
    if len(text) > _NUMBER_LENGTH:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> datetime | None:
    if not DAY_LENGTH < len(text) <= MOMENT_LENGTH or not text[:4].isdecimal():
        return None
    try:
        moment = read_moment(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


DAY_LENGTH = len("2026-01-31")
MOMENT_LENGTH = 40
_NUMBER_LENGTH = 60


def _day(text: str) -> date | None:
    if len(text) != DAY_LENGTH:
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


def equal(seen: Any, expected: Any, values: Values) -> bool:
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


class Members:
    """A list that is searched for many values, by hash, in one step for each of them.

    The result is that of `equal(value, one)` for each element: a text is equal to a number that it writes, a moment to
    its instant in any offset and to its day in the company's zone.
    """

    def __init__(self, values: Iterable[Any]) -> None:
        self._values = list(values)
        self._texts = {one for one in self._values if type(one) is str}
        self._days: tuple[str, set[date]] | None = None

    def has(self, value: Any, values: Values) -> bool:
        if isinstance(value, str):
            return value in self._texts or self._has_number(value) or self._has_time(value, values)
        return value in self._numbers if is_number(value) else self._has_other(value)

    @cached_property
    def _numbers(self) -> set[int | float]:
        return {one for one in self._values if is_number(one)}

    @cached_property
    def _others(self) -> list[Any]:
        return [one for one in self._values if not isinstance(one, str) and not is_number(one)]

    @cached_property
    def _dates(self) -> set[date]:
        return {day for one in self._texts if (day := _day(one)) is not None}

    @cached_property
    def _moments(self) -> dict[datetime, str]:
        return {moment: one for one in self._texts if (moment := _moment(one)) is not None}

    def _has_other(self, value: Any) -> bool:
        for one in self._others:  # noqa: SIM110 - a third of the time of any()
            if isinstance(value, bool) is isinstance(one, bool) and value == one:
                return True
        return False

    def _has_number(self, text: str) -> bool:
        return bool(self._numbers) and _number(text) in self._numbers

    def _has_time(self, text: str, values: Values) -> bool:
        if (moment := _moment(text)) is None:
            day = _day(text) if self._moments else None
            return day is not None and day in self._days_of_moments(values)
        if moment in self._moments:
            return True
        return bool(self._dates) and _day_of(text, values) in self._dates

    def _days_of_moments(self, values: Values) -> set[date]:
        zone = zone_of(values)
        if self._days is None or self._days[0] != zone:
            self._days = zone, {_day_of(text, values) for text in self._moments.values()}
        return self._days[1]


def is_one_of(seen: Any, expected: "Members", values: Values) -> bool:
    return expected.has(seen, values)


def matches(seen: Any, expected: Pattern, _values: Values) -> bool:
    return isinstance(seen, str) and expected.search(seen) is not None


def contains(seen: Any, expected: Any, values: Values) -> bool:
    if isinstance(seen, str):
        return str(expected).casefold() in seen.casefold()
    return isinstance(seen, list) and Members(seen).has(expected, values)


def _asking(seen: Any, values: Values) -> Callable[[Any], bool]:
    """A function that says whether what was seen contains a value."""
    if isinstance(seen, str):
        text = seen.casefold()
        return lambda one: str(one).casefold() in text
    if not isinstance(seen, list):
        return lambda _: False
    members = Members(seen)
    return lambda one: members.has(one, values)


def contains_any(seen: Any, expected: Any, values: Values) -> bool:
    return any(map(_asking(seen, values), expected))


def contains_all(seen: Any, expected: Any, values: Values) -> bool:
    return all(map(_asking(seen, values), expected))


def is_empty(seen: Any, _expected: Any, _values: Values) -> bool:
    return seen is None or seen in ("", [], {})


def with_folded_texts(method: Callable[[str, str], bool]) -> Test:
    return lambda seen, expected, _: isinstance(seen, str) and method(seen.casefold(), str(expected).casefold())


def between(seen: Any, expected: Any, values: Values) -> bool:
    first, last = expected
    if is_clock(first) and is_clock(last):
        return _in_clock_range(_clock_time(seen, values), time.fromisoformat(first), time.fromisoformat(last))
    return at_least(seen, first, values) and at_most(seen, last, values)


def _in_clock_range(at: time | None, first: time, last: time) -> bool:
    """Both ends included; a range that ends before it begins passes midnight."""
    if at is None:
        return False
    at = at.replace(microsecond=0, second=0 if not (first.second or last.second) else at.second)
    return first <= at <= last if first <= last else at >= first or at <= last


def during(seen: Any, expected: tuple[date, date], values: Values) -> bool:
    if not isinstance(seen, str):
        return False
    day = _day(seen)
    if day is None:
        moment = _local(seen, zone_of(values))
        day = None if moment is None else moment.date()
    return day is not None and expected[0] <= day <= expected[1]


at_most, at_least = ordered_by(operator.le), ordered_by(operator.ge)
