"""Which languages there are: those in which dates, numbers and money can be written (CLDR)."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError


class LanguageError(ValueError):
    """There is no such language."""


@lru_cache(maxsize=200)
def find_locale(language: str) -> Locale:
    """The locale of `de` or `pt-BR`. Raises `LanguageError`."""
    try:
        return Locale.parse(language.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise LanguageError(f"there is no language {language[:40]!r}") from error
