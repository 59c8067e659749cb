"""What all routes share: bounded texts, and positions in lists that are sorted newest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, StringConstraints

from comms_service.domain import Message, Notification, Slice, is_one_line
from contracts.kit.http import Problem, decode_cursor, encode_cursor

PAGE = 50

type Limit = Annotated[int, Query(ge=1, le=200)]


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise ValueError("line breaks and control characters are not allowed")
    return text


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
"""A text on one line."""


def parse_slice(cursor: str | None, limit: int) -> Slice:
    """Raises 400 for a cursor that `next_cursor` did not make."""
    key = decode_cursor(cursor)
    if key is None:
        return Slice(None, limit)
    try:
        time, id_ = key
        return Slice((datetime.fromisoformat(time).astimezone(UTC), UUID(id_)), limit)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Problem(400, "Bad request", "cursor: use the next_cursor of an earlier page") from error


def next_cursor(rows: Sequence[Message] | Sequence[Notification], part: Slice) -> str | None:
    """Null behind a page that was not full."""
    return encode_cursor(rows[-1].created_at.isoformat(), rows[-1].id) if len(rows) == part.limit else None
