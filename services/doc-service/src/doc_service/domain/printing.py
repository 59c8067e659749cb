"""How money, dates and numbers are printed for readers of a language; formats are those of CLDR."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from contracts import languages
from doc_service.domain.errors import DataError

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_MONEY = {"amount", "currency"}
_TABLES = {"products", "totals"}
_NUMBERS = {"quantity"}
_PERCENTAGES = {"discount_percent", "tax_percent", "percent"}


def find_locale(language: str) -> Locale:
    """The locale of `de` or `pt-BR`; raises `DataError` for a language nobody knows."""
    try:
        return languages.find_locale(language)
    except languages.LanguageError as error:
        raise DataError(f"language: {error}") from error


class Printer:
    """Prints values for one locale and time zone."""

    def __init__(self, locale: Locale, zone: ZoneInfo) -> None:
        self._locale = locale
        self._zone = zone

    @property
    def language(self) -> str:
        """The two or three letters that typst takes."""
        return self._locale.language

    def tree(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A template's data with money, dates and times, and the numbers of `products` and `totals` as text."""
        return {name: self._rows(value) if name in _TABLES else self.text(value) for name, value in data.items()}

    def _rows(self, rows: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
        return [self._row(row) for row in rows or ()]

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._cell(name, value) for name, value in row.items()}

    def _cell(self, name: str, value: Any) -> Any:
        if name in _NUMBERS or name in _PERCENTAGES:
            return self._number(value, percent=name in _PERCENTAGES)
        if name == "taxes":
            return self._rows(value)
        return self.text(value)

    def text(self, value: Any) -> Any:
        """`value` with whatever is known to be money, a date or a time printed."""
        if isinstance(value, Mapping):
            return self._money(value) if set(value) == _MONEY else {name: self.text(it) for name, it in value.items()}
        if isinstance(value, list | tuple):
            return [self.text(inner) for inner in value]
        return self._moment(value) if isinstance(value, str) else value

    def _money(self, value: Mapping[str, Any]) -> Any:
        amount, currency = value["amount"], value["currency"]
        if not isinstance(amount, int) or not isinstance(currency, str):
            return dict(value)
        exact = Decimal(amount).scaleb(-get_currency_precision(currency))
        return format_currency(exact, currency, locale=self._locale)

    def _number(self, value: Any, *, percent: bool) -> Any:
        try:
            exact = Decimal(str(value))
        except InvalidOperation:
            return value
        if percent:
            return format_percent(exact / 100, locale=self._locale, decimal_quantization=False)
        return format_decimal(exact, locale=self._locale, decimal_quantization=False)

    def _moment(self, text: str) -> str:
        try:
            if _DATE.fullmatch(text):
                return format_date(date.fromisoformat(text), "long", locale=self._locale)
            if _TIME.fullmatch(text):
                return self._time(datetime.fromisoformat(text).astimezone(self._zone))
        except (ValueError, OverflowError):
            return text
        return text

    def _time(self, local: datetime) -> str:
        day = format_date(local.date(), "long", locale=self._locale)
        return f"{day}, {format_time(local.time(), 'short', locale=self._locale)}"
