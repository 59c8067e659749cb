"""When people are reminded of what they have planned."""

from collections.abc import Set
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime

from contracts.values import Value
from entity_service.domain.planned_activities import PlannedActivity


class Reminder(Value):
    """A reminder that the engine waits for; `id` is that of the command that asked it to."""

    tenant_id: UUID
    id: UUID
    activity_id: UUID
    due_at: AwareDatetime


def reminded_at(activity: PlannedActivity, now: datetime) -> Set[datetime]:
    """The moments after `now`; none for what is not open. A reminder whose moment was past when it was set is none."""
    if activity.deadline is None or activity.status != "open":
        return frozenset()
    moments = (activity.deadline - timedelta(minutes=minutes) for minutes in activity.reminders)
    return frozenset(moment for moment in moments if moment > now)
