"""What went wrong with a message or with leased work, in words for people, without its values."""

import asyncpg

from contracts.kit.errors import KitError, WrongArgumentsError

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
