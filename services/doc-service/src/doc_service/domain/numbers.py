"""Document numbers: a template's pattern, such as `INV-{year}-{number:4}`, and the series it counts in.

A series is the pattern with the date filled in (`INV-2026-{number}`), so a new year starts a new series, and templates
that share a pattern share their numbers.
"""

import re
from datetime import date

from doc_service.domain.errors import PatternError

_FIELD = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"number(?::([1-9]))?")


def check_pattern(pattern: str) -> None:
    """Raises `PatternError` for a pattern without exactly one `{number}` or with unknown fields."""
    fields = _FIELD.findall(pattern)
    unknown = [field for field in fields if field not in ("year", "month") and not _NUMBER.fullmatch(field)]
    if unknown or "{" in _FIELD.sub("", pattern) or "}" in _FIELD.sub("", pattern):
        raise PatternError("use {year}, {month}, and {number} or {number:4} for at least four digits")
    if sum(bool(_NUMBER.fullmatch(field)) for field in fields) != 1:
        raise PatternError("{number} must occur exactly once")
    if not pattern.isprintable() or len(pattern) > 60:
        raise PatternError("at most 60 printable characters")


def default_pattern(code: str) -> str:
    """The pattern of a template that has none of its own."""
    return f"{code.upper()[:40]}-{{year}}-{{number:4}}"


def series(pattern: str, day: date) -> str:
    """The name of the series that `pattern` counts in on that day."""
    return _fill(pattern, day, "{number}")


def document_number(pattern: str, day: date, count: int) -> str:
    """The number of the `count`-th document of the series, counted from 1."""
    width = next(int(match[1] or 1) for match in _NUMBER.finditer(pattern))
    return _fill(pattern, day, f"{count:0{width}}")


def _fill(pattern: str, day: date, number: str) -> str:
    values = {"year": f"{day.year}", "month": f"{day.month:02}"}
    return _FIELD.sub(lambda match: values.get(match[1], number), pattern)
