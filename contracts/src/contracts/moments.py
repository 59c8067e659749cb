"""Moments in the forms that people and other systems write."""

from datetime import datetime


def read_moment(text: str) -> datetime:
    """A moment of RFC 3339, which allows a small `t` and `z`; Python's own reader does not.

    Without an offset it is naive; the caller decides what that means. Raises ValueError for anything else.
    """
    return datetime.fromisoformat(text.upper())
