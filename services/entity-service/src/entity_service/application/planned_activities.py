"""Plans, changes and completes what employees are to do about items."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_commands import PlannedActivityFields
from contracts.values import PlannedKind
from entity_service import store
from entity_service.application.bookings import Bookings
from entity_service.application.handovers import Handovers, present
from entity_service.application.items import Items
from entity_service.application.reminders import Reminders
from entity_service.domain.errors import InvalidError, NotFoundError
from entity_service.domain.items import Item, Mentions
from entity_service.domain.planned_activities import PlannedActivity, planned_activity
from entity_service.domain.resources import span
from entity_service.messages import Actor

BOOKED = frozenset({"room", "deadline", "minutes", "status"})
"""What of an activity decides for when its room is booked."""


class PlannedActivities:
    """Each in the caller's transaction, with its room and the timeline."""

    def __init__(self, items: Items, handovers: Handovers, bookings: Bookings, reminders: Reminders) -> None:
        self._items = items
        self._handovers = handovers
        self._bookings = bookings
        self._reminders = reminders

    async def plan(
        self, tx: Connection, item: Item, wanted: PlannedActivityFields, actor: Actor, *, stage: str
    ) -> PlannedActivity:
        """Plans one on a locked item, in `stage`, and books its room.

        Work of archived employees goes to the next, unless a person names them. Raises `InvalidError` for ids that
        nobody has, `ConflictError` when the room is taken.
        """
        await self._check(tx, item, wanted, by_person=actor.cause is None)
        meant = wanted.responsible_id or item.responsible_id
        responsible, handover = await self._handovers.assignee(tx, item.tenant_id, meant, "responsible_id")
        if responsible is None:
            raise InvalidError(("responsible_id", "the item has no responsible person; name who is to do it"))
        replaced = await self._handovers.among(tx, item.tenant_id, wanted.guests)
        wanted = wanted.model_copy(update={"guests": present(wanted.guests, replaced)})
        activity = planned_activity(
            item,
            wanted,
            stage=stage,
            responsible=responsible,
            by=actor.by,
            id=self._items.new_id(),
            now=self._items.clock(),
        )
        await store.planned_activities.add(tx, activity)
        await self._book(tx, item, activity, actor)
        await self._reminders.follow(tx, [activity], actor)
        await self._note(tx, item, activity, actor)
        for one in (handover, *replaced.values()):
            await self._handovers.say(tx, item, one, f"the planned activity {activity.name!r}", actor)
        return activity

    async def change(
        self, tx: Connection, tenant: UUID, id: UUID, values: Mapping[str, Any], actor: Actor
    ) -> PlannedActivity:
        """Changes fields or the status. Raises `NotFoundError`, and as `plan` does. No change writes nothing."""
        item = await self._items.lock(tx, tenant, (await self._find(tx, tenant, id)).item_id)
        before = await self._find(tx, tenant, id)
        changes = {name: value for name, value in values.items() if getattr(before, name) != value}
        if not changes:
            return before
        if "responsible_id" in changes and changes["responsible_id"] is None:
            raise InvalidError(("responsible_id", "somebody is responsible: name who"))
        after = before.changed(changes, self._items.clock())
        await self._check(tx, item, after.model_copy(update=_unchanged(changes)), by_person=True)
        await self._save(tx, item, after, actor, booked=not BOOKED.isdisjoint(changes))
        return after

    async def complete(
        self, tx: Connection, item: Item, kinds: tuple[PlannedKind, ...], author: UUID | None, actor: Actor
    ) -> int:
        """Completes what is open of a locked item, and says how many that were."""
        found = await store.planned_activities.open_of_item(tx, item, kinds, author)
        for one in found:
            await self._save(tx, item, one.changed({"status": "done"}, self._items.clock()), actor, booked=True)
        return len(found)

    async def _save(self, tx: Connection, item: Item, activity: PlannedActivity, actor: Actor, *, booked: bool) -> None:
        await store.planned_activities.save(tx, activity)
        if booked:
            await store.resources.release(tx, item.tenant_id, [activity.id], self._items.clock())
            await self._book(tx, item, activity, actor)
        await self._reminders.follow(tx, [activity], actor)
        await self._note(tx, item, activity, actor)

    async def _book(self, tx: Connection, item: Item, activity: PlannedActivity, actor: Actor) -> None:
        if activity.room is None or activity.deadline is None or activity.status != "open":
            return
        await self._bookings.book(
            tx,
            item,
            ("room", activity.room),
            span(activity.deadline, activity.minutes),
            actor,
            employee=activity.responsible_id,
            service=activity.name,
            activity=activity.id,
        )

    async def _check(self, tx: Connection, item: Item, wanted: PlannedActivityFields, *, by_person: bool) -> None:
        employees = {*wanted.guests} | ({wanted.responsible_id} if wanted.responsible_id else set())
        await self._handovers.check_employees(tx, item.tenant_id, employees, by_person=by_person)
        contacts = frozenset(wanted.contact_ids)
        known = await store.references.load(tx, item.tenant_id, Mentions(contacts=contacts)) if contacts else None
        if known and (unknown := contacts - known.contacts):
            raise InvalidError(("contact_ids", f"are no contacts' ids: {', '.join(sorted(map(str, unknown)))}"))

    async def _note(self, tx: Connection, item: Item, activity: PlannedActivity, actor: Actor) -> None:
        data = {"planned_activity_id": str(activity.id), "kind": activity.kind, "status": activity.status}
        await self._items.note(tx, item, "planned_activity", activity.name, actor, dict(data))

    async def _find(self, tx: Connection, tenant: UUID, id: UUID) -> PlannedActivity:
        found = await store.planned_activities.find(tx, tenant, id)
        if found is None:
            raise NotFoundError(f"planned activity {id}")
        return found


def _unchanged(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Employees and contacts that stay need not be there still: only those that are named anew are looked for."""
    empty = {"responsible_id": None, "guests": (), "contact_ids": ()}
    return {name: value for name, value in empty.items() if name not in changes}
