"""The form of texts: Unicode's composed form; names and titles on one line.

Every API, form, command and channel uses these types, so that what one part accepts, the next accepts.
"""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

MAX_NAME = 200
"""Characters of a name: a person's first or last one, a company's, a field's label."""
MAX_TITLE = 500
"""Characters of the title of an item or a task, and of a subject."""

MAX_REASON = 2_000
"""Characters of a reason; messages of other systems may be longer."""

_BLANKS = re.compile(r"[^\S\x1c-\x1f]+")
"""Runs of white space; without the four separators of C0, which Python counts as white space."""


def composed(value: Any) -> Any:
    """The same JSON value with its texts in Unicode's composed form (NFC), in which `u` with U+0308 is `ü`.

    Names of fields stay as they are.
    """
    match value:
        case str():
            return value if value.isascii() else unicodedata.normalize("NFC", value)
        case dict():
            return {key: composed(one) for key, one in value.items()}
        case list():
            return [composed(one) for one in value]
        case tuple() if type(value) is tuple:
            return tuple(composed(one) for one in value)
        case _:
            return value


def one_line(text: str) -> str:
    """A text on one line: composed, white space folded to single blanks, none around it.

    Raises ValueError that names the first other control character and its place, counted from 1.
    """
    folded = _folded(text)
    if folded.isprintable():
        return folded
    for place, char in enumerate(folded, start=1):
        if unicodedata.category(char) == "Cc":
            raise ValueError(f"contains the control character U+{ord(char):04X} as character {place}: take it out")
    return folded


def shown_on_one_line(text: str) -> str:
    """The same for what is only to be recognised: control characters are left out instead of refused."""
    return _folded("".join(char for char in _folded(text) if unicodedata.category(char) != "Cc"))


def readable_reason(text: str, most: int = MAX_REASON) -> str:
    """A reason that people can read and a table can hold, whatever it quotes: without unprintable characters, cut."""
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text[: most + 1]
    )
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _folded(text: str) -> str:
    return _BLANKS.sub(" ", composed(text)).strip(" ")


def _if_text(given: Any) -> Any:
    return one_line(given) if isinstance(given, str) else given


ONE_LINE = BeforeValidator(_if_text)
"""The annotation of a text that is kept on one line. Lengths count after folding."""

Line = Annotated[str, StringConstraints(max_length=MAX_NAME), ONE_LINE]
"""A short text on one line, such as a person's last name; may be empty."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), ONE_LINE]
Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE), ONE_LINE]
