"""Has the engine wait until people are to be reminded, and reminds them then."""

from collections.abc import Sequence
from uuid import UUID

from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.topics import COMMS_COMMANDS, RULE_COMMANDS
from entity_service import messages, store
from entity_service.domain.planned_activities import PlannedActivity
from entity_service.domain.reminders import Reminder, reminded_at
from entity_service.domain.resources import local
from entity_service.messages import Actor


class Reminders:
    """The rows say which reminders are wanted; one whose row is gone is not sent, whatever the engine answers."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id

    async def follow(self, tx: Connection, activities: Sequence[PlannedActivity], actor: Actor) -> None:
        """Waits for what activities of one locked item want now, and for nothing else."""
        if not activities:
            return
        tenant, now = activities[0].tenant_id, self._clock()
        waiting = await store.reminders.of_activities(tx, tenant, [one.id for one in activities])
        wanted = {(one.id, moment) for one in activities for moment in reminded_at(one, now)}
        kept = {(one.activity_id, one.due_at) for one in waiting}
        unwanted = [one for one in waiting if (one.activity_id, one.due_at) not in wanted]
        new = [
            Reminder(tenant_id=tenant, id=self._new_id(), activity_id=activity, due_at=moment)
            for activity, moment in sorted(wanted - kept)
        ]
        await store.reminders.delete(tx, tenant, [one.id for one in unwanted])
        await store.reminders.add(tx, new)
        item = activities[0].item_id
        envelopes = [
            *(messages.cancel_wait(one, item, self._clock(), actor) for one in unwanted),
            *(messages.schedule_wait(one, item, self._clock(), actor) for one in new),
        ]
        await self._outbox.put(tx, RULE_COMMANDS, *envelopes)

    async def due(self, tx: Connection, tenant: UUID, id: UUID) -> None:
        """Reminds the responsible person and the guests, unless the reminder is not wanted any more."""
        reminder = await store.reminders.find(tx, tenant, id)
        if reminder is None or not await store.reminders.delete(tx, tenant, [id]):
            return
        activity = await store.planned_activities.find(tx, tenant, reminder.activity_id)
        if activity is None or activity.deadline is None:
            return
        zone = (await store.tenants.settings(tx, tenant)).time_zone
        text = f"{activity.name}: {local(activity.deadline, zone)}"
        await self._outbox.put(tx, COMMS_COMMANDS, messages.reminder(reminder, activity, text, self._clock()))

    async def not_due(self, tx: Connection, tenant: UUID, id: UUID) -> bool:
        """The engine does not wait for it, or not any more; true when it was wanted still."""
        return await store.reminders.delete(tx, tenant, [id])
