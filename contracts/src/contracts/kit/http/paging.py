"""Lists by pages: opaque cursors that hold the sort key of the last row."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, Self
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel, TypeAdapter

from contracts.inputs import Moment, unkeepable
from contracts.kit.http.problems import Problem


def encode_cursor(*key: Any) -> str:
    """An opaque position in a list: the sort key of its last row."""
    return base64.urlsafe_b64encode(orjson.dumps(key, default=str)).decode().rstrip("=")


def decode_cursor[K](cursor: str | None, shape: type[K]) -> K | None:
    """The sort key that a cursor is of, such as a `Newest`. Raises 400 for what was not made of one of that shape."""
    if cursor is None:
        return None
    try:
        key = TypeAdapter(shape).validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if unkeepable(key) is None:
            return key
    except ValueError:
        pass
    raise Problem(400, "Bad request", "cursor: use the next_cursor of an earlier page")


Cursor = Annotated[str | None, Query(max_length=400, description="the next_cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at the most")]


class Newest(NamedTuple):
    """The sort key of a list that begins with the newest."""

    at: Moment
    id: UUID


class Page[T](BaseModel):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None

    @classmethod
    def of[R](
        cls, found: Sequence[R], limit: int, *, key: Callable[[R], tuple[Any, ...]], show: Callable[[R], T]
    ) -> Self:
        """Of what was found with `limit + 1`; `key` is an entry's sort key."""
        more = encode_cursor(*key(found[limit - 1])) if len(found) > limit else None
        return cls(items=[show(one) for one in found[:limit]], next_cursor=more)
