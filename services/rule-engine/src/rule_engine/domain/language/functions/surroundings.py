"""Where and when functions compute: the tenant's language, zone and calendar, the time, and chance."""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property, lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from whenever import PlainDateTime

from contracts.budget import Budget, current, spending
from contracts.calendars import Calendar
from contracts.languages import LanguageError, find_locale
from contracts.moments import read_moment
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.schedule.calendar import WorkingTime
from rule_engine.domain.schedule.clock import at_local

MAX_WORDS = 100
"""Characters of a text that says a time, a span or a pattern."""


@dataclass(frozen=True)
class Surroundings:
    """Where and when a text is rendered or an expression computed: what of it is asked for is read from the values."""

    values: Mapping[str, Any]
    budget: Budget

    @property
    def _tenant(self) -> Mapping[str, Any]:
        return self.values.get("tenant") or {}

    @cached_property
    def language(self) -> Locale:
        return locale(str(self._tenant.get("language", "en")))

    @cached_property
    def zone(self) -> ZoneInfo:
        return zone_of(str(self._tenant.get("time_zone", "UTC")))

    @cached_property
    def now(self) -> datetime:
        return moment_in(self.values["now"], self.zone)

    @property
    def currency(self) -> str:
        return str(self._tenant.get("currency", "EUR"))

    @property
    def crm_url(self) -> str:
        return str(self._tenant.get("crm_url", ""))

    @cached_property
    def chance(self) -> Random:
        """The same for the same decision, by the `seed` among the values."""
        return Random(str(self.values.get("seed", self.values.get("now"))))  # noqa: S311 - not for secrets

    @cached_property
    def calendar(self) -> WorkingTime:
        return WorkingTime(self.zone.key, Calendar.model_validate(self._tenant.get("calendar") or {}))


_HERE: ContextVar[Surroundings | None] = ContextVar("surroundings", default=None)


class inside:  # noqa: N801 - it is written as a statement: `with inside(values):`
    """Functions called inside find the surroundings of these values; those around them, if there are any, stay.

    They spend of the budget under way; outside of one of a fresh one.
    """

    __slots__ = ("_spending", "_token", "_values")
    _spending: spending
    _token: Token[Surroundings | None] | None

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __enter__(self) -> None:
        self._token = None
        if _HERE.get() is None:
            budget = current()
            self._spending = spending(budget)
            self._spending.__enter__()
            self._token = _HERE.set(Surroundings(self._values, budget))

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _HERE.reset(self._token)
            self._spending.__exit__()


def here() -> Surroundings:
    """Those of the function under way."""
    found = _HERE.get()
    assert found is not None  # noqa: S101 - functions are called inside of values
    return found


def locale(language: str) -> Locale:
    """English for a language that Babel does not know."""
    try:
        return find_locale(language)
    except LanguageError:
        return find_locale("en")


def zone_of(name: str) -> ZoneInfo:
    """Raises `ValueFailureError` when there is no such zone."""
    if len(name) > MAX_WORDS:
        raise ValueFailureError(f"there is no time zone {name!r:.40}")
    return _zone_of(name)


@lru_cache(maxsize=1000)
def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueFailureError(f"there is no time zone {name!r:.40}") from error


def moment_in(value: Any, zone: ZoneInfo) -> datetime:
    """A moment; one that a text writes without its zone, or a day, is of `zone`. Raises `ValueFailureError`."""
    if not isinstance(value, str):
        raise ValueFailureError("needs a day or a moment")
    try:
        moment = read_moment(value)
    except ValueError as error:
        raise ValueFailureError("needs a day or a moment") from error
    return moment if moment.tzinfo else local_in(moment.date(), moment.time(), zone)


def local_in(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment of a day and clock time in a zone."""
    nanosecond = at.microsecond * 1000
    local = PlainDateTime(day.year, day.month, day.day, at.hour, at.minute, at.second, nanosecond=nanosecond)
    return at_local(local, zone.key)
