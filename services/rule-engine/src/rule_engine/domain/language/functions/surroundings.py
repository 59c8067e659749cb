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
    """Where and when a text is rendered or an expression computed."""

    language: Locale
    zone: ZoneInfo
    now: datetime
    currency: str
    crm_url: str
    working_hours: Mapping[str, Any]
    """The tenant's calendar, as JSON."""
    seed: str
    """Chance is the same for the same decision."""
    budget: Budget

    @cached_property
    def chance(self) -> Random:
        return Random(self.seed)  # noqa: S311 - not for secrets

    @cached_property
    def calendar(self) -> WorkingTime:
        return WorkingTime(self.zone.key, Calendar.model_validate(self.working_hours))


def surroundings_of(values: Mapping[str, Any], budget: Budget) -> Surroundings:
    """Of the values at hand; `seed` among them makes chance the same for the same decision."""
    tenant = values.get("tenant") or {}
    zone = zone_of(str(tenant.get("time_zone", "UTC")))
    return Surroundings(
        language=locale(str(tenant.get("language", "en"))),
        zone=zone,
        now=moment_in(values["now"], zone),
        currency=str(tenant.get("currency", "EUR")),
        crm_url=str(tenant.get("crm_url", "")),
        working_hours=tenant.get("calendar") or {},
        seed=str(values.get("seed", values.get("now"))),
        budget=budget,
    )


class inside:  # noqa: N801 - it is written as a statement: `with inside(values):`
    """Functions called inside find the surroundings of these values; those around them, if there are any, stay.

    They spend of the budget under way; outside of one of a fresh one. Most texts call no function: surroundings are
    made for the first one that asks.
    """

    __slots__ = ("_budget", "_made", "_spending", "_token", "_values")
    _token: Token["inside | None"] | None

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._made: Surroundings | None = None

    def __enter__(self) -> None:
        self._token = None
        if _HERE.get() is None:
            self._budget = current()
            self._spending = spending(self._budget)
            self._spending.__enter__()
            self._token = _HERE.set(self)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _HERE.reset(self._token)
            self._spending.__exit__()

    def surroundings(self) -> Surroundings:
        if self._made is None:
            self._made = surroundings_of(self._values, self._budget)
        return self._made


_HERE: ContextVar[inside | None] = ContextVar("surroundings", default=None)


def here() -> Surroundings:
    """Those of the function under way."""
    found = _HERE.get()
    assert found is not None  # noqa: S101 - functions are called inside of values
    return found.surroundings()


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
