"""Tasks on items."""

from uuid import UUID

from pydantic import JsonValue

from contracts.kit.database import Connection
from contracts.messages.entity_commands import CompleteTasks, TaskFields
from contracts.messages.entity_events import TaskStatus
from entity_service import messages, store
from entity_service.application.handovers import Handovers, present
from entity_service.application.items import Items
from entity_service.domain.employees import Handover
from entity_service.domain.errors import InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.tasks import Task, new_task
from entity_service.messages import Actor


class Tasks:
    """Creates tasks and changes their status."""

    def __init__(self, items: Items, handovers: Handovers) -> None:
        self._items = items
        self._handovers = handovers

    async def create(self, tx: Connection, item: Item, wanted: TaskFields, actor: Actor, *, stage: str) -> Task:
        """Creates a task on a locked item, made in `stage`. Raises `InvalidError` for ids that are no employee's.

        Work of archived employees goes to the next, unless a person names them. A task that was to be completed on
        leaving the stage is created as done when the item has left it already.
        """
        others = {*wanted.participants, *wanted.observers}
        named = others | {wanted.assignee_id} if wanted.assignee_id else others
        await self._handovers.check_employees(tx, item.tenant_id, named, by_person=actor.cause is None)
        assignee, handover = await self._assignee(tx, item, wanted)
        handovers = await self._handovers.among(tx, item.tenant_id, others)
        others_present = {name: present(getattr(wanted, name), handovers) for name in ("participants", "observers")}
        wanted = wanted.model_copy(update=others_present)
        id, now = self._items.new_id(), self._items.clock()
        task = new_task(item, wanted, stage=stage, assignee=assignee, by=actor.by, id=id, now=now)
        await store.tasks.add(tx, task)
        await self._record(tx, item, task, None, actor)
        await self._handovers.say(tx, item, handover, f"the task {task.name!r}", actor)
        for one in handovers.values():
            await self._handovers.say(tx, item, one, f"a part in the task {task.name!r}", actor)
        return task

    async def _assignee(self, tx: Connection, item: Item, wanted: TaskFields) -> tuple[UUID, Handover | None]:
        meant = wanted.assignee_id or item.responsible_id
        assignee, handover = await self._handovers.assignee(tx, item.tenant_id, meant, "assignee_id")
        if assignee is None:
            raise InvalidError(("assignee_id", "the item has no responsible person; name who is to do it"))
        return assignee, handover

    async def complete_of_rules(self, tx: Connection, item: Item, wanted: CompleteTasks, actor: Actor) -> int:
        """Completes the open tasks of a locked item that rules of a stage made; how many there were."""
        completed = await store.tasks.complete_of_rules(tx, item, wanted.stage, self._items.clock())
        for task, previous in completed:
            await self._record(tx, item, task, previous, actor)
        return len(completed)

    async def set_status(self, tx: Connection, tenant: UUID, id: UUID, status: TaskStatus, actor: Actor) -> Task:
        """Raises `NotFoundError`. The same status again changes nothing."""
        item = await self._items.lock(tx, tenant, (await self._find(tx, tenant, id)).item_id)
        task = await self._find(tx, tenant, id)
        if task.status == status:
            return task
        completed_at = self._items.clock() if status == "done" else None
        await store.tasks.set_status(tx, task, status, completed_at)
        changed = task.model_copy(update={"status": status, "completed_at": completed_at})
        await self._record(tx, item, changed, task.status, actor)
        return changed

    async def _record(self, tx: Connection, item: Item, task: Task, previous: TaskStatus | None, actor: Actor) -> None:
        """Writes a status that a task has reached into the timeline, and publishes it."""
        data: dict[str, JsonValue] = {"task_id": str(task.id), "status": task.status}
        await self._items.note(tx, item, "task", task.name, actor, data)
        await self._items.publish(tx, item, messages.task_changed(task, previous, self._items.clock()), actor)

    async def _find(self, tx: Connection, tenant: UUID, id: UUID) -> Task:
        task = await store.tasks.find(tx, tenant, id)
        if task is None:
            raise NotFoundError(f"task {id}")
        return task
