"""Which languages there are: those in which dates, numbers and money can be written (CLDR)."""

from functools import lru_cache
from typing import Annotated

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator

from contracts.issues import Written


class LanguageError(ValueError):
    """There is no such language."""


@lru_cache(maxsize=200)
def find_locale(language: str) -> Locale:
    """The locale of `de` or `pt-BR`. Raises `LanguageError`."""
    try:
        return Locale.parse(language.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise LanguageError(f"there is no language {language[:40]!r}") from error


def _known(language: str) -> str:
    find_locale(language)
    return language


Language = Annotated[
    str, Written(r"^[a-z]{2,3}(-[A-Z]{2})?$", "a language such as en or pt-BR"), AfterValidator(_known)
]
