"""Amounts of money in words, as contracts and cheques have them beside the figures."""

import re
from collections.abc import Mapping
from typing import Any

from babel import Locale
from babel.numbers import get_currency_name, get_currency_precision
from num2words import CONVERTER_CLASSES, num2words

_ROWS = "products"
"""What nobody writes in words."""
_BEYOND = (ArithmeticError, LookupError, NotImplementedError, TypeError, ValueError)
"""What the languages raise for numbers that are too large for them."""
_CALLED_OTHERWISE = {"nb": "no", "nn": "no", "kk": "kz"}
_BEFORE_A_NOUN = {
    "de": ((r"eins$", "ein"),),
    "es": ((r"veintiuno$", "veintiún"), (r"\buno$", "un"), (r"(illón|illones)$", r"\1 de")),
    "fr": ((r"(illi(?:on|ard)s?)$", r"\1 de"),),
    "it": ((r"^uno$", "un"), (r"(ili(?:one|oni|ardo|ardi))$", r"\1 di")),
    "pt": ((r"(ilh(?:ão|ões))$", r"\1 de"),),
}
"""What a number becomes before the name of a currency, by language: how it ends, and how it ends then."""


def in_words(money: Mapping[str, Any], locale: Locale) -> str | None:
    """`{amount, currency}` in minor units as `one thousand euros 56/100`: whole units in words, minor ones in figures.

    Null for a language without words for numbers, for amounts below nothing, and beyond what the language counts to.
    """
    amount, currency = money["amount"], money["currency"]
    if not isinstance(amount, int) or not isinstance(currency, str):
        return None
    language = _language(locale)
    parts = 10 ** get_currency_precision(currency)
    units, rest = divmod(amount, parts)
    if language is None or amount < 0:
        return None
    try:
        number = num2words(units, lang=language)
    except _BEYOND:
        return None
    for ending, other in _BEFORE_A_NOUN.get(locale.language, ()):
        number = re.sub(ending, other, number)
    said = f"{number} {get_currency_name(currency, units, locale=locale)}"
    if locale.language == "fr":
        said = re.sub(r" de (?=[aeiouhéè])", " d\u2019", said, flags=re.IGNORECASE)
    return said + (f" {rest:0{len(str(parts)) - 1}}/{parts}" if rest else "")


def words(data: Mapping[str, Any], locale: Locale) -> dict[str, Any]:
    """The shape of `data`, of which nothing is left but its money in words; product rows are left out."""
    return _tree({name: value for name, value in data.items() if name != _ROWS}, locale) or {}


def _tree(value: Any, locale: Locale) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"amount", "currency"}:
            return in_words(value, locale)
        found = {name: text for name, inner in value.items() if (text := _tree(inner, locale)) is not None}
        return found or None
    if isinstance(value, list | tuple):
        rows = [_tree(inner, locale) for inner in value]
        return rows if any(row is not None for row in rows) else None
    return None


def _language(locale: Locale) -> str | None:
    names = (f"{locale.language}_{locale.territory}", locale.language, _CALLED_OTHERWISE.get(locale.language))
    return next((name for name in names if name in CONVERTER_CLASSES), None)
