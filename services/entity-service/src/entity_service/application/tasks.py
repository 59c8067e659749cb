"""Tasks on items."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_commands import CreateTask
from entity_service import store
from entity_service.application.handovers import Handovers
from entity_service.application.items import Items
from entity_service.domain.errors import InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.people import Handover
from entity_service.domain.tasks import Task, TaskStatus, new_task
from entity_service.messages import Actor


class Tasks:
    """Creates tasks and says how they go on."""

    def __init__(self, items: Items, handovers: Handovers) -> None:
        self._items = items
        self._handovers = handovers

    async def create(self, tx: Connection, item: Item, wanted: CreateTask, actor: Actor) -> Task:
        """Creates a task on a locked item. Raises `InvalidError` when it names people who are not there.

        Work of archived employees goes to the next, unless a person names them. A task that was to be completed on
        leaving a stage is created as done when the item has left it already.
        """
        others = {*wanted.participants, *wanted.observers}
        named = others | {wanted.assignee_id} if wanted.assignee_id else others
        await self._check_people(tx, item.tenant_id, named, by_person=actor.cause is None)
        assignee, handover = await self._assignee(tx, item, wanted)
        handovers = await self._handovers.among(tx, item.tenant_id, others)
        present = {name: _present(getattr(wanted, name), handovers) for name in ("participants", "observers")}
        wanted = wanted.model_copy(update=present)
        task = new_task(item, wanted, assignee, id=self._items.new_id(), now=self._items.clock())
        await store.tasks.add(tx, task)
        await self._items.note(tx, item, "task", task.name, actor, {"task_id": str(task.id), "status": task.status})
        await self._handovers.say(tx, item, handover, f"the task {task.name!r}", actor)
        for one in handovers.values():
            await self._handovers.say(tx, item, one, f"a part in the task {task.name!r}", actor)
        return task

    async def _assignee(self, tx: Connection, item: Item, wanted: CreateTask) -> tuple[UUID, Handover | None]:
        meant = wanted.assignee_id or item.responsible_id
        assignee, handover = await self._handovers.assignee(tx, item.tenant_id, meant, "assignee_id")
        if assignee is None:
            raise InvalidError(("assignee_id", "the item has no responsible person; name who is to do it"))
        return assignee, handover

    async def _check_people(self, tx: Connection, tenant: UUID, ids: set[UUID], *, by_person: bool) -> None:
        unknown = ids - await store.references.existing_employees(tx, tenant, ids)
        if unknown:
            raise InvalidError(("people", f"are no employees' ids: {', '.join(sorted(map(str, unknown)))}"))
        if by_person and (archived := await store.people.archived(tx, tenant, ids)):
            codes = ", ".join(sorted(one.code for one in archived.values()))
            raise InvalidError(("people", f"are archived employees: {codes}: name others"))

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


def _present(people: Iterable[UUID], handovers: Mapping[UUID, Handover]) -> tuple[UUID, ...]:
    """Each of the people, or who takes their place, once; without those whose place nobody takes."""
    next_of = {id: one.to.id if one.to else None for id, one in handovers.items()}
    present = (next_of.get(id, id) for id in people)
    return tuple(dict.fromkeys(id for id in present if id is not None))
