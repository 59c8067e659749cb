"""What went wrong with a message or with leased work, in words for people, without its values."""

from collections.abc import Mapping

import asyncpg
from pydantic import BaseModel

from contracts.kit.errors import KitError, WrongArgumentsError

INT64 = range(-(2**63), 2**63)

_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((asyncpg.QueryCanceledError,), "it takes the database longer than a statement may take"),
    ((asyncpg.IntegrityConstraintViolationError,), "it contradicts what is stored"),
    ((asyncpg.DataError, WrongArgumentsError, UnicodeError), "it has a value that cannot be stored"),
    ((asyncpg.ProgramLimitExceededError,), "it has a value that is larger than can be stored"),
    ((RecursionError,), "it is nested too deeply"),
    ((OverflowError,), "it has a number out of range"),
)


def in_words(error: Exception) -> str:
    """The kind of error, and its class, by which the log is searched."""
    words = "this is a defect of the service"
    if isinstance(error, KitError):
        words = str(error)
    for kinds, said in _WORDS:
        if isinstance(error, kinds):
            words = said
    return f"{words} ({type(error).__name__})"


def unstorable(body: BaseModel) -> str | None:
    """The place of the first value that PostgreSQL cannot store, and why; null when all can be stored."""
    left: list[tuple[str, object]] = [("", body.model_dump())]
    while left:
        place, value = left.pop()
        if found := _trouble(value):
            return f"{place[:200]!r} {found}"
        if isinstance(value, Mapping):
            left += [(f"{place}.{name}".lstrip("."), inner) for name, inner in reversed(list(value.items()))]
            left += [(f"a name below {place}", name) for name in value]
        elif isinstance(value, list | tuple):
            left += [(f"{place}.{number}", inner) for number, inner in reversed(list(enumerate(value)))]
    return None


def _trouble(value: object) -> str | None:
    if isinstance(value, str):
        if "\x00" in value:
            return "has a null character"
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return "has half a character (a lone surrogate)"
    if isinstance(value, int) and value not in INT64:
        return "is a number of more than 64 bits"
    if isinstance(value, float) and value - value != 0:
        return "is not a finite number"
    return None
