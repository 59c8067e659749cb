"""Tasks on items."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_commands import CreateTask
from entity_service import store
from entity_service.changes.items import Items
from entity_service.domain.errors import InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.tasks import Task, TaskStatus
from entity_service.messages import Actor


class Tasks:
    """Creates tasks and says how they go on."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def create(self, tx: Connection, item: Item, wanted: CreateTask, actor: Actor) -> Task:
        """Creates a task on a locked item. Raises `InvalidError` when it names people who are not there.

        A task that was to be completed on leaving a stage is created as done when the item has left it already.
        """
        assignee = wanted.assignee_id or item.responsible_id
        if assignee is None:
            raise InvalidError(("assignee_id", "the item has no responsible person; name who is to do it"))
        await self._check_people(tx, item.tenant_id, {assignee, *wanted.participants, *wanted.observers})
        too_late = wanted.complete_on_leave and wanted.stage != item.stage
        now = self._items.clock()
        task = Task.model_validate(
            {
                **wanted.model_dump(exclude={"expect_entry_seq"}),
                "tenant_id": item.tenant_id,
                "id": self._items.new_id(),
                "assignee_id": assignee,
                "status": "done" if too_late else "open",
                "created_at": now,
                "completed_at": now if too_late else None,
            }
        )
        await store.tasks.add(tx, task)
        await self._items.note(tx, item, "task", task.name, actor, {"task_id": str(task.id), "status": task.status})
        return task

    async def _check_people(self, tx: Connection, tenant: UUID, ids: set[UUID]) -> None:
        unknown = ids - await store.references.existing_employees(tx, tenant, ids)
        if unknown:
            raise InvalidError(("people", f"are no employees' ids: {', '.join(sorted(map(str, unknown)))}"))

    async def set_status(self, tx: Connection, tenant: UUID, id: UUID, status: TaskStatus, actor: Actor) -> Task:
        """Raises `NotFoundError`. The same status again changes nothing."""
        task = await store.tasks.find(tx, tenant, id)
        if task is None:
            raise NotFoundError(f"task {id}")
        item = await self._items.lock(tx, tenant, task.item_id)
        task = await store.tasks.find(tx, tenant, id)
        if task is None:
            raise NotFoundError(f"task {id}")
        if task.status == status:
            return task
        completed_at = self._items.clock() if status == "done" else None
        await store.tasks.set_status(tx, task, status, completed_at)
        await self._items.note(tx, item, "task", task.name, actor, {"task_id": str(id), "status": status})
        return task.model_copy(update={"status": status, "completed_at": completed_at})
