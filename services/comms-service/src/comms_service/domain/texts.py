"""What the texts of messages must be to be kept and sent."""

from comms_service.domain.errors import UnusableError
from contracts.texts import one_line


def line(name: str, text: str) -> str:
    """The text as every name is written; nothing in it could end a mail header."""
    try:
        return one_line(text)
    except ValueError as error:
        raise UnusableError(f"{name}: {error}") from error


def check_no_null(**texts: str) -> None:
    """Raises `UnusableError` that names the text with a null character."""
    for name, text in texts.items():
        if "\x00" in text:
            raise UnusableError(f"{name}: contains a null character")
