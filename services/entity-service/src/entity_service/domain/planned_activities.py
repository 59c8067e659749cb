"""What employees plan to do about items."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.messages.entity_commands import PlannedActivityFields
from contracts.values import Value
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item

PlannedStatus = Literal["open", "done", "cancelled"]


class PlannedActivity(PlannedActivityFields, Value):
    """Something an employee plans to do about an item. `stage` is the one it was planned in.

    `version` counts what was changed of it, from 1.
    """

    tenant_id: UUID
    id: UUID
    item_id: UUID
    responsible_id: UUID
    stage: str
    status: PlannedStatus = "open"
    version: int = 1
    created_by: str
    created_at: AwareDatetime
    changed_at: AwareDatetime
    completed_at: AwareDatetime | None = None

    def changed(self, values: Mapping[str, Any], now: datetime) -> "PlannedActivity":
        """The same with other values, one version on. Raises `InvalidError`."""
        status = values.get("status", self.status)
        completed_at = (self.completed_at or now) if status == "done" else None
        own = {"version": self.version + 1, "changed_at": now, "completed_at": completed_at}
        after = self.model_copy(update={**values, **own})
        check_deadline(after)
        return after


def planned_activity(  # noqa: PLR0913 - its parts
    item: Item, wanted: PlannedActivityFields, *, stage: str, responsible: UUID, by: str, id: UUID, now: datetime
) -> PlannedActivity:
    """The activity on an item; done at once when it was to be completed on leaving `stage`, which the item has left."""
    check_deadline(wanted)
    too_late = wanted.complete_on_leave and stage != item.stage
    given = {name: getattr(wanted, name) for name in PlannedActivityFields.model_fields}
    return PlannedActivity(
        **given | {"responsible_id": responsible},
        tenant_id=item.tenant_id,
        id=id,
        item_id=item.id,
        stage=stage,
        status="done" if too_late else "open",
        created_by=by,
        created_at=now,
        changed_at=now,
        completed_at=now if too_late else None,
    )


def check_deadline(wanted: PlannedActivityFields) -> None:
    """Raises `InvalidError` for what needs a deadline that there is not."""
    needs = {"reminders": wanted.reminders, "add_to_calendar": wanted.add_to_calendar, "room": wanted.room}
    if wanted.deadline is None and (missing := [name for name, value in needs.items() if value]):
        raise InvalidError(*((name, "needs a deadline") for name in missing))
