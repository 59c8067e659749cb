"""Regular expressions of conditions: RE2, whose time is linear in the text."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import re2
from pydantic import JsonValue

MAX_PATTERN = 500
"""Characters of a regular expression."""
_PATTERN_MEMORY = 1 << 18
"""Bytes of a compiled one: classes such as `\\pL` are large, counts such as `{50}` multiply."""


def refuse_pattern(pattern: JsonValue) -> None:
    """Raises ValueError for what is no regular expression, or too large a one."""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise ValueError(f"matches takes a regular expression of at most {MAX_PATTERN} characters")
    try:
        compile_pattern(pattern)
    except re2.error as error:
        raise ValueError(f"matches: {_said(error)}") from error
    except UnicodeEncodeError as error:
        raise ValueError("matches: the regular expression is no text") from error


def _said(error: Exception) -> str:
    reason = error.args[0] if error.args else "not a regular expression"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> "Pattern":
    """A pattern of RE2: its time is linear in the text and in its places, its memory is bounded."""
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY
    options.log_errors = False
    compiled = re2.compile(pattern, options)
    options.encoding = re2.Options.Encoding.LATIN1  # a class of characters is one place there, not hundreds
    return Pattern(compiled.search, compiled.programsize, re2.compile(pattern.encode(), options).programsize)


class Pattern(NamedTuple):
    """A compiled regular expression."""

    search: Callable[[str], Any]
    size: int
    """Instructions: what compiling it takes."""
    places: int
    """How many of them a search may be at, at most, at each byte of a text."""

    @property
    def work(self) -> int:
        """Units of `contracts.budget` that compiling it takes."""
        return 40_000 + 80 * self.size

    def work_on(self, text: str) -> int:
        """Those that a search takes; RE2 reads UTF-8."""
        return 2 * self.places * (len(text) if text.isascii() else 4 * len(text))
