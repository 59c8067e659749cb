"""Functions that print values in the tenant's language: days, numbers, money, people, items, files."""

import re
from collections.abc import Mapping
from datetime import date, time
from fractions import Fraction
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision

from contracts.conditions.comparison import is_clock, is_money
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions.arguments import is_day, is_empty, moment_of, places, text_of
from rule_engine.domain.language.functions.lists import join
from rule_engine.domain.language.functions.registry import CALL, function
from rule_engine.domain.language.functions.surroundings import MAX_WORDS, here
from rule_engine.domain.language.numbers import MAX_PLACES, Number, exact, is_number, rounded

_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}$")


@function
def date_format(value: Any, pattern: str = "medium") -> str:
    """A day or moment in the tenant's language. `pattern`: short, medium, long, full, or one of Unicode TR 35 such as
    `d MMMM y`. A moment in UTC (`…Z`) is printed in the company's zone, one of another zone (`…+09:00`) in that.
    """
    if is_empty(value):
        return ""
    around = here()
    if len(pattern) > MAX_WORDS:
        raise ValueFailureError(f"a pattern has at most {MAX_WORDS} characters")
    if is_clock(value):
        return format_time(time.fromisoformat(value), pattern, locale=around.language)
    if is_day(value):
        return format_date(date.fromisoformat(value), pattern, locale=around.language)
    moment = moment_of(value)
    zone = moment.tzinfo if _OFFSET.search(value) else around.zone
    return format_datetime(moment, pattern, tzinfo=zone, locale=around.language)


@function
def number_format(value: Any, digits: Any = None) -> str:
    """A number as the tenant's language writes it, with so many digits after the point; halves away from zero."""
    if is_empty(value):
        return ""
    shown = MAX_PLACES if digits is None else places(digits)
    pattern = "#,##0" + ("." if shown else "") + ("#" if digits is None else "0") * shown
    return format_decimal(rounded(exact(value), shown), pattern, locale=here().language)


@function
def money(value: Any, currency: str | None = None) -> str:
    """An amount as the tenant's language writes it: `€1,234.50`. Takes money in minor units, or a number of whole units
    with its currency (the tenant's by default), rounded to minor units, halves away from zero.
    """
    if is_empty(value):
        return ""
    if is_money(value):
        return _printed_money(exact(value["amount"]), value["currency"], here().language)
    if not is_number(value):
        raise ValueFailureError("needs money or a number")
    of = currency or here().currency
    return _printed_money(exact(value) * 10 ** get_currency_precision(of), of, here().language)


@lru_cache(maxsize=1_000)
def _printed_money(amount: Number, currency: str, language: Locale) -> str:
    """Of minor units. Babel takes as long for it as all else in a short text, and an item's texts print its amount."""
    digits = get_currency_precision(currency)
    return format_currency(rounded(amount * Fraction(1, 10**digits), digits), currency, locale=language)


_YES_NO: Mapping[str, tuple[str, str]] = {
    "en": ("yes", "no"),
    "it": ("sì", "no"),
    "fr": ("oui", "non"),
    "pl": ("tak", "nie"),
    "vi": ("có", "không"),
    "de": ("ja", "nein"),
    "es": ("sí", "no"),
}


@function
def printable(value: Any) -> str:
    """Readable text of any value, in the tenant's language."""
    match value:
        case None:
            return ""
        case bool():
            return _YES_NO.get(here().language.language, _YES_NO["en"])[0 if value else 1]
        case int() | float() | Fraction():
            return number_format(value)
        case str():
            return _printable_text(value)
        case list():
            here().budget.spend(CALL * len(value), "functions")
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


@function
def friendly(person: Any) -> str:
    """A person's short name: `Ada B.`."""
    if not person:
        return ""
    given, family = (person.get("first_name"), person.get("last_name")) if isinstance(person, Mapping) else ("", "")
    whole = text_of(person.get("name")) if isinstance(person, Mapping) else text_of(person)
    words = [given, family] if given and family else whole.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else whole


@function
def name(value: Any) -> str:
    """The name of a file, or of each file of a list."""
    if isinstance(value, list):
        return join([name(one) for one in value])
    return "" if not value else text_of(value["name"])


@function
def link(item: Any) -> str:
    """The address of an item in the tenant's CRM; without its `crm_url` it begins with `/`."""
    id_ = item.get("id") if isinstance(item, Mapping) else item
    return "" if not id_ else f"{here().crm_url}/items/{quote(text_of(id_), safe='')}"
