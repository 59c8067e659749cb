"""Logs what people did about an item."""

from contracts.kit.database import Connection
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.activities import Activity, ActivityFields
from entity_service.domain.items import Item
from entity_service.messages import Actor


class Activities:
    """Logs activities."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def log(self, tx: Connection, item: Item, wanted: ActivityFields, actor: Actor) -> Activity:
        """Logs one on a locked item, which then counts one more."""
        given = {name: getattr(wanted, name) for name in ActivityFields.model_fields}
        activity = Activity(**given, id=self._items.new_id(), item_id=item.id, author=actor.by, at=self._items.clock())
        await store.activities.add(tx, item.tenant_id, activity)
        data = {"activity_id": str(activity.id), "kind": activity.kind}
        await self._items.note(tx, item, "activity", activity.subject, actor, dict(data))
        after = item.model_copy(update={"activity_count": item.activity_count + 1})
        await self._items.update(tx, item, after, actor)
        return activity
