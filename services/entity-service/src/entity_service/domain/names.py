"""How the names of people and of copies are written."""

from collections.abc import Mapping

from contracts.languages import LanguageError, find_locale
from contracts.texts import MAX_TITLE

_COPY: Mapping[str, str] = {
    "en": "Copy",
    "de": "Kopie",
    "es": "Copia",
    "fr": "Copie",
    "it": "Copia",
    "pl": "Kopia",
    "vi": "Bản sao",
}


def full_name(first: str, last: str) -> str:
    """Both names, as a person would write them."""
    return f"{first} {last}".strip()


def copy_name(title: str, language: str) -> str:
    """What a copy is called: the title, cut where it would be too long, and "Copy" in the language, else in English."""
    try:
        word = _COPY.get(find_locale(language).language, _COPY["en"])
    except LanguageError:
        word = _COPY["en"]
    return f"{title[: MAX_TITLE - len(word) - 1].rstrip()} {word}"
