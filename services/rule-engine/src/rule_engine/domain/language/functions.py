"""The functions of authors: the same names and meanings as Liquid filters and in expressions.

`{{ item.created_at | dateadd: '2 days' }}` is `dateadd(item.created_at, '2 days')`. Values are JSON: a day is
`2026-03-02`, a moment RFC 3339, money `{amount, currency}` in minor units. What is empty stays empty. Functions are
pure: what they need beside their arguments (the tenant's language, zone and calendar, the time, a source of chance that
is the same for the same decision) is in `Surroundings`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from inspect import Parameter, signature
from random import Random
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision
from whenever import PlainDateTime

from contracts.budget import Budget, current, spending
from contracts.calendars import Calendar
from contracts.conditions.comparison import is_clock, is_money
from contracts.conditions.operands import moved
from contracts.envelope import rfc3339
from contracts.languages import LanguageError, find_locale
from contracts.moments import read_moment
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.numbers import MAX_PLACES, Number, as_json, exact, is_number, plain, rounded, same
from rule_engine.domain.schedule.calendar import NoWorkingTimeError, WorkingTime
from rule_engine.domain.schedule.clock import at_local

MAX_TEXT = 300_000
"""Characters that a function gives."""
MAX_LIST = 10_000
"""Elements of a list that a function gives."""
MAX_WORDS = 100
"""Characters of a text that says a time, a span or a pattern."""

_CALL, _NODE, _CHARACTER = 6_000, 100, 4
"""Units of `contracts.budget`: a call; each value in an argument, and each character of its texts."""
_HEAVY: Mapping[str, int] = {"merge": 3, "split": 3, "title": 8, "urlencode": 5}
"""How many times as much it is for functions that go through each of their characters in Python."""


@dataclass(frozen=True)
class Surroundings:
    """Where and when a text is rendered or an expression computed."""

    language: Locale
    zone: ZoneInfo
    now: datetime
    currency: str
    crm_url: str
    working_hours: Mapping[str, Any]
    """The tenant's calendar, as JSON."""
    chance: Random
    budget: Budget = field(default_factory=current)

    @cached_property
    def calendar(self) -> WorkingTime:
        return WorkingTime(self.zone.key, Calendar.model_validate(self.working_hours))


def surroundings(values: Mapping[str, Any]) -> Surroundings:
    """Of the values at hand; `seed` among them makes chance the same for the same decision."""
    tenant = values.get("tenant") or {}
    zone = _zone(str(tenant.get("time_zone", "UTC")))
    return Surroundings(
        language=locale(str(tenant.get("language", "en"))),
        zone=zone,
        now=_moment_of(values["now"], zone),
        currency=str(tenant.get("currency", "EUR")),
        crm_url=str(tenant.get("crm_url", "")),
        working_hours=tenant.get("calendar") or {},
        chance=Random(str(values.get("seed", values.get("now")))),  # noqa: S311 - not for secrets
    )


_HERE: ContextVar[Surroundings] = ContextVar("surroundings")


@contextmanager
def inside(values: Mapping[str, Any]) -> Iterator[None]:
    """Functions called inside find the surroundings of these values; those around them, if there are any, stay.

    They spend of the budget under way; outside of one of a fresh one.
    """
    if _HERE.get(None) is not None:
        yield
        return
    with spending(current()):
        token = _HERE.set(surroundings(values))
        try:
            yield
        finally:
            _HERE.reset(token)


def locale(language: str) -> Locale:
    """A language nobody knows is English."""
    try:
        return find_locale(language)
    except LanguageError:
        return find_locale("en")


def _zone(name: str) -> ZoneInfo:
    if len(name) > MAX_WORDS:
        raise ValueFailureError(f"there is no time zone {name!r:.40}")
    return _zone_of(name)


@lru_cache(maxsize=1000)
def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueFailureError(f"there is no time zone {name!r:.40}") from error


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it is called and with how many arguments."""

    name: str
    apply: Callable[..., Any]
    least: int
    most: int

    def __call__(self, *args: Any) -> Any:
        """A JSON value. Raises `ValueFailureError` that names the function, never the values."""
        return plain(self.exact(*args))

    def exact(self, *args: Any) -> Any:
        """The same, with exact numbers."""
        if not self.least <= len(args) <= self.most:
            raise ValueFailureError(f"{self.name} takes {_arguments(self.least, self.most)}, not {len(args)}")
        _HERE.get().budget.spend(_CALL + _HEAVY.get(self.name, 1) * sum(map(weight, args)), "functions")
        try:
            return _bounded(self.apply(*map(_written, args)))
        except ValueFailureError as error:
            raise ValueFailureError(f"{self.name}: {error}") from error
        except NoWorkingTimeError as error:
            raise ValueFailureError(f"{self.name}: nobody works then, for years") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueFailureError(f"{self.name} cannot be used like this on this value") from error


def weight(value: Any, character: int = _CHARACTER, node: int = _NODE) -> int:
    """What going through a value and all that is in it costs: its characters, and the values in lists and objects."""
    match value:
        case str():
            return character * len(value)
        case list() | tuple():
            return node * len(value) + sum(weight(one, character, node) for one in value)
        case dict():
            return node * len(value) + sum(weight(one, character, node) for one in value.values())
        case _:
            return 0


def _arguments(least: int, most: int) -> str:
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"


def _written(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _bounded(value: Any) -> Any:
    if len(value) > MAX_TEXT if isinstance(value, str) else isinstance(value, list) and len(value) > MAX_LIST:
        raise ValueFailureError("makes a value that is too long")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueFailureError("makes a number that is too large")
    return value


FUNCTIONS: dict[str, Function] = {}
MOST = 6
"""Arguments of a function that takes any number of them."""


def _function[F: Callable[..., Any]](apply: F) -> F:
    """Registers under its name, without the `_` that keeps it from hiding one of Python's."""
    parameters = list(signature(apply).parameters.values())
    least = sum(one.default is Parameter.empty and one.kind is not Parameter.VAR_POSITIONAL for one in parameters)
    endless = any(one.kind is Parameter.VAR_POSITIONAL for one in parameters)
    name = apply.__name__.removesuffix("_")
    FUNCTIONS[name] = Function(name, apply, least, MOST if endless else len(parameters))
    return apply


# time

_SPAN = re.compile(r"([+-]?\d{1,9})\s*([a-z]+)", re.IGNORECASE)
_UNITS: Mapping[str, str] = {
    spelled: unit
    for unit, spellings in {
        "months": ("mo", "month", "months"),
        "years": ("y", "year", "years"),
        "weeks": ("w", "week", "weeks"),
        "days": ("d", "day", "days"),
        "hours": ("h", "hour", "hours"),
        "minutes": ("m", "min", "minute", "minutes"),
        "seconds": ("s", "sec", "second", "seconds"),
    }.items()
    for spelled in spellings
}


@_function
def dateadd(value: Any, span: str) -> str | None:
    """A day or moment so much later: `'1 month 2 days'`, `'-3 hours'`.

    Years to days are calendar ones in the company's zone; a day with hours becomes a moment.
    """
    if _is_empty(value):
        return None
    counts = _span(span)
    months = counts.get("years", 0) * 12 + counts.get("months", 0)
    days = counts.get("weeks", 0) * 7 + counts.get("days", 0)
    exact = timedelta(**{unit: counts.get(unit, 0) for unit in ("hours", "minutes", "seconds")})
    if _is_day(value):
        day = moved(date.fromisoformat(value), months, days)
        return day.isoformat() if not exact else rfc3339(_local(day, time(0)) + exact)
    moment = _moment(value)
    if months or days:
        there = moment.astimezone(_HERE.get().zone)
        moment = _local(moved(there.date(), months, days), there.time())
    return rfc3339(moment + exact)


def _span(text: str) -> dict[str, int]:
    """`1 month -2 days` as numbers by unit."""
    if len(text) > MAX_WORDS:
        raise ValueFailureError(f"a span of time has at most {MAX_WORDS} characters")
    counts: dict[str, int] = {}
    rest = _SPAN.sub("", text).strip(" ,")
    for number, unit in _SPAN.findall(text):
        known = _unit(unit)
        counts[known] = counts.get(known, 0) + int(number)
    if rest or not counts:
        raise ValueFailureError("a span of time is written like '1 month 2 days' or '-3 hours'")
    return counts


_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
_IN_DAYS_OR_MONTHS = {"years": ("months", 12), "months": ("months", 1), "weeks": ("days", 7), "days": ("days", 1)}


@_function
def datediff(first: Any, second: Any, unit: str = "days") -> int | None:
    """Whole units from the first to the second: as many as `dateadd` can add to the first without passing the second.

    Years to days are calendar ones in the company's zone; where one of the two is a day, clock times do not count.
    """
    if _is_empty(first) or _is_empty(second):
        return None
    known = _unit(unit)
    if known in _SECONDS:
        seconds = (_moment(second) - _moment(first)) // timedelta(microseconds=1)
        return _towards_zero(seconds, _SECONDS[known] * 1_000_000)
    if _is_day(first) or _is_day(second):
        first, second = _day(first).isoformat(), _day(second).isoformat()
    of, length = _IN_DAYS_OR_MONTHS[known]
    return _towards_zero(_counted(first, second, of), length)


def _counted(first: str, second: str, unit: str) -> int:
    """Calendar months or days; one less than the calendar's pages turned where the day or clock is not reached yet."""
    a, b, passed = _day(first), _day(second), _time_of(first) > _time_of(second)
    number = (b.year - a.year) * 12 + b.month - a.month if unit == "months" else (b - a).days
    reached = _time_of(dateadd(first, f"{number} {unit}"))
    if passed:
        return number + (reached < _time_of(second))
    return number - (reached > _time_of(second))


def _time_of(value: Any) -> date | datetime:
    return date.fromisoformat(value) if _is_day(value) else _moment(value)


def _towards_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _unit(text: str) -> str:
    known = _UNITS.get(text.lower())
    if known is None:
        raise ValueFailureError(f"there is no unit {text!r:.20}; there are {', '.join(sorted(set(_UNITS.values())))}")
    return known


@_function
def addworkdays(value: Any, days: Any) -> str | None:
    """So many working days of the tenant's calendar later; the clock time of a moment stays."""
    if _is_empty(value):
        return None
    number, here = _whole(days), _HERE.get()
    day = here.calendar.day(_day(value), number)
    return day.isoformat() if _is_day(value) else rfc3339(_local(day, _there(value).time()))


@_function
def addworkhours(value: Any, hours: Any) -> str | None:
    """So many working hours of the tenant's calendar later, as a moment."""
    if _is_empty(value):
        return None
    here, span = _HERE.get(), timedelta(microseconds=int(exact(hours) * 3_600_000_000))
    if span < timedelta():
        return rfc3339(here.calendar.earlier(_moment(value), -span))
    return rfc3339(here.calendar.later(_moment(value), span))


@_function
def isworkday(value: Any) -> bool:
    """Whether the tenant's calendar works on this day."""
    return not _is_empty(value) and _HERE.get().calendar.is_working_day(_day(value))


@_function
def isworktime(value: Any) -> bool:
    """Whether the tenant's calendar works at this moment."""
    return not _is_empty(value) and _HERE.get().calendar.next(_moment(value)) == _moment(value)


_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}$")


@_function
def date_format(value: Any, pattern: str = "medium") -> str:
    """A day or moment in the tenant's language. `pattern`: short, medium, long, full, or one of Unicode TR 35 such as
    `d MMMM y`. A moment in UTC (`…Z`) is printed in the company's zone, one of another zone (`…+09:00`) in that.
    """
    if _is_empty(value):
        return ""
    here = _HERE.get()
    if len(pattern) > MAX_WORDS:
        raise ValueFailureError(f"a pattern has at most {MAX_WORDS} characters")
    if is_clock(value):
        return format_time(time.fromisoformat(value), pattern, locale=here.language)
    if _is_day(value):
        return format_date(date.fromisoformat(value), pattern, locale=here.language)
    moment = _moment(value)
    zone = moment.tzinfo if _OFFSET.search(value) else here.zone
    return format_datetime(moment, pattern, tzinfo=zone, locale=here.language)


@_function
def to_timezone(value: Any, zone: str) -> str | None:
    """The same moment as the clocks of a zone show it: `2026-03-02T21:00:00+09:00`."""
    return None if _is_empty(value) else _moment(value).astimezone(_zone(zone)).isoformat()


_SAID_DAYS = {"today": 0, "tomorrow": 1, "yesterday": -1}


@_function
def strtotime(text: Any) -> str | None:
    """A day or moment from a text: `2026-03-02`, `02.03.2026 14:00`, `tomorrow 14:00`, `+2 days`, `now`."""
    if _is_empty(text):
        return None
    here, words = _HERE.get(), str(text).strip().lower()
    if len(words) > MAX_WORDS:
        raise ValueFailureError(f"a date has at most {MAX_WORDS} characters")
    if words == "now":
        return rfc3339(here.now)
    if words[:1] in "+-":
        return dateadd(rfc3339(here.now), words)
    day_text, _, clock = words.replace("t", " ", 1).partition(" ") if words[:4].isdecimal() else words.partition(" ")
    if day_text in _SAID_DAYS:
        day = moved(here.now.astimezone(here.zone).date(), 0, _SAID_DAYS[day_text])
    else:
        day = _written_day(day_text)
    if not clock:
        return day.isoformat()
    if not is_clock(clock):
        return rfc3339(_moment(str(text).strip()))
    return rfc3339(_local(day, time.fromisoformat(clock)))


def _written_day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - only its date is taken
        except ValueError:
            continue
    raise ValueFailureError("a date is written like 2026-03-02, 02.03.2026, or tomorrow 14:00")


@_function
def settime(value: Any, clock: Any, minute: Any = 0) -> str | None:
    """The same day in the company's zone at a clock time: `settime: '14:00'` or `settime: 14, 30`."""
    if _is_empty(value):
        return None
    at = time.fromisoformat(clock) if is_clock(clock) else time(_whole(clock), _whole(minute))
    return rfc3339(_local(_day(value), at))


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == len("2026-01-31")


def _day(value: Any) -> date:
    return date.fromisoformat(value) if _is_day(value) else _there(value).date()


def _there(value: Any) -> datetime:
    return _moment(value).astimezone(_HERE.get().zone)


def _moment(value: Any) -> datetime:
    return _moment_of(value, _HERE.get().zone)


def _moment_of(value: Any, zone: ZoneInfo) -> datetime:
    if not isinstance(value, str):
        raise ValueFailureError("needs a day or a moment")
    try:
        moment = read_moment(value)
    except ValueError as error:
        raise ValueFailureError("needs a day or a moment") from error
    return moment if moment.tzinfo else _local_in(moment.date(), moment.time(), zone)


def _local(day: date, at: time) -> datetime:
    return _local_in(day, at, _HERE.get().zone)


def _local_in(day: date, at: time, zone: ZoneInfo) -> datetime:
    nanosecond = at.microsecond * 1000
    local = PlainDateTime(day.year, day.month, day.day, at.hour, at.minute, at.second, nanosecond=nanosecond)
    return at_local(local, zone.key)


# numbers


def _whole(value: Any) -> int:
    return int(exact(value))


@_function
def abs_(value: Any) -> Number:
    """The number without its sign."""
    number = exact(value)
    return -number if number < 0 else number


@_function
def min_(first: Any, *others: Any) -> Number:
    """The smallest of numbers, given one by one or as a list."""
    return min(map(exact, _each(first, others)))


@_function
def max_(first: Any, *others: Any) -> Number:
    """The largest of numbers, given one by one or as a list."""
    return max(map(exact, _each(first, others)))


def _each(first: Any, others: Sequence[Any]) -> Sequence[Any]:
    return first if isinstance(first, list) and not others else [first, *others]


@_function
def round_(value: Any, digits: Any = 0) -> Number:
    """Rounded, halves away from zero, to at most 12 digits after the point."""
    return exact(rounded(exact(value), _places(digits)))


def _places(digits: Any) -> int:
    return min(max(_whole(digits), 0), MAX_PLACES)


@_function
def ceil(value: Any) -> int:
    """The next whole number up."""
    return math.ceil(exact(value))


@_function
def floor(value: Any) -> int:
    """The next whole number down."""
    return math.floor(exact(value))


@_function
def rand(first: Any = 0, last: Any = 100) -> int:
    """A whole number by chance, both ends included; the same for the same decision."""
    return _HERE.get().chance.randint(_whole(first), _whole(last))


@_function
def int_(value: Any) -> int:
    """A whole number; what is after the point is cut off."""
    return int(value) if isinstance(value, bool) else _whole(value)


@_function
def float_(value: Any) -> Number:
    """A number that may have digits after the point."""
    return exact(value)


@_function
def number_format(value: Any, digits: Any = None) -> str:
    """A number as the tenant's language writes it, with so many digits after the point; halves away from zero."""
    if _is_empty(value):
        return ""
    places = MAX_PLACES if digits is None else _places(digits)
    pattern = "#,##0" + ("." if places else "") + ("#" if digits is None else "0") * places
    return format_decimal(rounded(exact(value), places), pattern, locale=_HERE.get().language)


@_function
def money(value: Any, currency: str | None = None) -> str:
    """An amount as the tenant's language writes it: `€1,234.50`. Takes money in minor units, or a number of whole units
    with its currency (the tenant's by default), rounded to minor units, halves away from zero.
    """
    if _is_empty(value):
        return ""
    of = value["currency"] if is_money(value) else currency or _HERE.get().currency
    digits = get_currency_precision(of)
    if is_money(value):
        amount: Number = exact(value["amount"]) * Fraction(1, 10**digits)
    elif is_number(value):
        amount = exact(value)
    else:
        raise ValueFailureError("needs money or a number")
    return format_currency(rounded(amount, digits), of, locale=_HERE.get().language)


# texts


@_function
def substr(value: Any, start: Any, length: Any = None) -> str:
    """A part of a text; counting starts at 0, negative numbers count from the end."""
    text, begin = _text(value), _whole(start)
    begin = max(begin + len(text), 0) if begin < 0 else begin
    return text[begin:] if length is None else text[begin : begin + max(_whole(length), 0)]


@_function
def strpos(value: Any, part: Any) -> int:
    """Where a text first contains another one, from 0; -1: nowhere."""
    return _text(value).find(_text(part))


@_function
def strlen(value: Any) -> int:
    """Characters of a text."""
    return len(_text(value))


@_function
def lower(value: Any) -> str:
    """The text in lower case."""
    return _text(value).lower()


@_function
def upper(value: Any) -> str:
    """The text in upper case."""
    return _text(value).upper()


@_function
def title(value: Any) -> str:
    """The text with every word's first letter in upper case."""
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), _text(value))


@_function
def trim(value: Any) -> str:
    """The text without blanks around it."""
    return _text(value).strip()


@_function
def urlencode(value: Any) -> str:
    """The text as a part of an address."""
    return quote(_text(value), safe="")


@_function
def randstring(length: Any = 10) -> str:
    """Letters and digits by chance, the same for the same decision; not for secrets."""
    wanted = min(max(_whole(length), 0), 1000)
    return "".join(_HERE.get().chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=wanted))


def _text(value: Any) -> str:
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


# lists


@_function
def join(value: Any, separator: str = ", ") -> str:
    """The elements of a list as one text."""
    parts = [_text(one) for one in _list(value)]
    if sum(map(len, parts)) + len(parts) * len(separator) > MAX_TEXT:
        raise ValueFailureError("makes a value that is too long")
    return separator.join(parts)


@_function
def split(value: Any, separator: str = ",") -> list[str]:
    """A text as a list; by an empty separator its characters."""
    text = _text(value)
    if not text:
        return []
    return text.split(separator) if separator else list(text)


@_function
def merge(first: Any, *others: Any) -> list[Any]:
    """Lists and single values as one list, each value once."""
    merged: list[Any] = []
    seen: set[str] = set()
    for one in (one for value in (first, *others) for one in _list(value)):
        if (key := repr(plain(one))) not in seen:
            seen.add(key)
            merged.append(one)
    return merged


@_function
def first(value: Any) -> Any:
    """The first element of a list; empty if there is none."""
    return next(iter(_list(value)), None)


@_function
def shuffle(value: Any) -> list[Any]:
    """The list in an order by chance, the same for the same decision."""
    mixed = list(_list(value))
    _HERE.get().budget.spend(100 * len(mixed), "functions")
    _HERE.get().chance.shuffle(mixed)
    return mixed


@_function
def in_(value: Any, where: Any) -> bool:
    """Whether a list has this element, or a text this part."""
    if isinstance(where, str):
        return _text(value) in where
    return any(same(value, one) for one in _list(where))


@_function
def if_(condition: Any, then: Any, otherwise: Any = None) -> Any:
    """`then` where the condition is true or filled, else `otherwise`."""
    return otherwise if condition is None or condition is False or condition == "" else then


def _list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]


# printing

_YES_NO: Mapping[str, tuple[str, str]] = {
    "en": ("yes", "no"),
    "it": ("sì", "no"),
    "fr": ("oui", "non"),
    "pl": ("tak", "nie"),
    "vi": ("có", "không"),
    "de": ("ja", "nein"),
    "es": ("sí", "no"),
}


@_function
def printable(value: Any) -> str:
    """Readable text of any value, in the tenant's language."""
    match value:
        case None:
            return ""
        case bool():
            return _YES_NO.get(_HERE.get().language.language, _YES_NO["en"])[0 if value else 1]
        case int() | float() | Fraction():
            return number_format(value)
        case str():
            return _printable_text(value)
        case list():
            _HERE.get().budget.spend(_CALL * len(value), "functions")
            return join([printable(one) for one in value])
        case dict() if is_money(value):
            return money(value)
        case dict():
            return _printable_object(value)
    raise ValueFailureError("cannot be printed")


_TIME_TEXT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?")


def _printable_text(value: str) -> str:
    if not _TIME_TEXT.fullmatch(value):
        return value
    try:
        return date_format(value)
    except ValueError:
        return value


def _printable_object(value: Mapping[str, Any]) -> str:
    """A person, company, item or file by its name."""
    named = next((value[key] for key in ("name", "title", "number", "address", "code") if value.get(key)), None)
    if not isinstance(named, str):
        raise ValueFailureError("has no name to print")
    return named


@_function
def friendly(person: Any) -> str:
    """A person's short name: `Ada B.`."""
    if not person:
        return ""
    given, family = (person.get("first_name"), person.get("last_name")) if isinstance(person, Mapping) else ("", "")
    whole = _text(person.get("name")) if isinstance(person, Mapping) else _text(person)
    words = [given, family] if given and family else whole.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else whole


@_function
def name(value: Any) -> str:
    """The name of a file, or of each file of a list."""
    if isinstance(value, list):
        return join([name(one) for one in value])
    return "" if not value else _text(value["name"])


@_function
def link(item: Any) -> str:
    """The address of an item in the tenant's CRM; without its `crm_url` it begins with `/`."""
    id_ = item.get("id") if isinstance(item, Mapping) else item
    return "" if not id_ else f"{_HERE.get().crm_url}/items/{quote(_text(id_), safe='')}"
