"""The clock and the ids as values to hand in: what is given can be tested."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

type Clock = Callable[[], datetime]
type NewId = Callable[[], UUID]


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by its time of birth."""
    return uuid_utils.compat.uuid7()
