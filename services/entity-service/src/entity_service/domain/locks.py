"""Locks of items: which run of a workflow keeps the others from changing an item."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

LONGEST = timedelta(days=30)
"""So long a lock holds at the most, should nobody ever take it back."""


class Lock(BaseModel):
    """What one `LockItem` holds, or waits for: then it has no `since` and `until`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    """The command's."""
    item_id: UUID
    run_id: UUID
    workflow: str
    since: datetime | None = None
    until: datetime | None = None

    def granted(self, now: datetime) -> "Lock":
        return self.model_copy(update={"since": now, "until": now + LONGEST})

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"workflow {self.workflow!r}{since} (run {self.run_id})"


def holder(locks: Sequence[Lock]) -> Lock | None:
    """The oldest that holds the item."""
    return next((one for one in locks if one.since), None)


def in_the_way(locks: Sequence[Lock], run: UUID) -> Lock | None:
    """What a run has to wait for before it holds the item: another run that holds it, or that waits longer.

    `locks` are those of the item in the order in which they came. A run that holds it already may do so once more.
    """
    held = holder(locks)
    first = held or next(iter(locks), None)
    return None if first is None or first.run_id == run else first


def granted_next(locks: Sequence[Lock]) -> list[Lock]:
    """Those that wait and may hold the item now: all of the run that holds it, else of the one that waits longest."""
    first = holder(locks) or next(iter(locks), None)
    return [one for one in locks if first and one.run_id == first.run_id and not one.since]
