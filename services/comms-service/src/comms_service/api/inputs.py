"""What inputs have in common: texts on one line."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from comms_service.domain import is_one_line


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise ValueError("line breaks and control characters are not allowed")
    return text


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
"""A text on one line."""
