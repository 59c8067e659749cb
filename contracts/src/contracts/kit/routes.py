"""What routes have in common: a record or 404, a page of a list."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends

from contracts.kit.http import Cursor, Limit, Page, decode_cursor, not_found


def found[T](record: T | None, what: str) -> T:
    """The record; raises 404 that says which one there is not (`deal 17`)."""
    if record is None:
        raise not_found(what)
    return record


class Paging:
    """Which page of a list a request asks for.

    A store is asked for `rows` entries behind the last one of the page before; the one too many says that more follow.
    """

    def __init__(self, cursor: Cursor = None, limit: Limit = 50) -> None:
        self.cursor = cursor
        self.limit = limit

    @property
    def rows(self) -> int:
        return self.limit + 1

    def after[K](self, shape: type[K]) -> K | None:
        """The sort key of the last entry of the page before, such as a `Newest`. Raises 400 for another cursor."""
        return decode_cursor(self.cursor, shape)

    @property
    def id(self) -> UUID | None:
        """For a list that is sorted by id."""
        key = self.after(tuple[UUID])
        return key[0] if key else None

    @property
    def code(self) -> str:
        """For a list that is sorted by code; empty on the first page, and no code is before that."""
        key = self.after(tuple[str])
        return key[0] if key else ""

    def page[R, T](self, entries: Sequence[R], key: Callable[[R], tuple[Any, ...]], show: Callable[[R], T]) -> Page[T]:
        """The page of what was found; `key` is an entry's sort key."""
        return Page.of(entries, self.limit, key=key, show=show)

    def by_id[T](self, entries: Sequence[T]) -> Page[T]:
        """A page of entries that are shown as they are and have an `id`."""
        return self.page(entries, _id, _same)

    def by_code[T](self, entries: Sequence[T]) -> Page[T]:
        """The same of entries that have a `code`."""
        return self.page(entries, _code, _same)


Paged = Annotated[Paging, Depends()]
"""The parameter of a route that answers a list: `paging: Paged`."""


def _id(entry: Any) -> tuple[UUID]:
    return (entry.id,)


def _code(entry: Any) -> tuple[str]:
    return (entry.code,)


def _same[T](entry: T) -> T:
    return entry
