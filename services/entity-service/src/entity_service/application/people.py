"""Employees are read and chosen, and become responsible for items or their observers."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.employee_commands import Candidates, ChangeObservers, ChangeResponsible, SelectEmployee
from contracts.messages.entity_commands import FieldAssignment
from entity_service import store
from entity_service.application.handovers import Handovers, present
from entity_service.application.items import Items
from entity_service.domain.departments import Department
from entity_service.domain.errors import InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.selection import Candidate, left_of, next_in_turn, nobody_left
from entity_service.messages import Actor


class People:
    """Reads and chooses employees."""

    def __init__(self, items: Items, handovers: Handovers) -> None:
        self._items = items
        self._handovers = handovers

    async def read(self, tx: Connection, tenant: UUID, id: UUID) -> tuple[Candidate, Department | None, UUID | None]:
        """An employee, the department, and who heads it. Raises `NotFoundError`."""
        found = await self._load(tx, tenant, [id])
        if not found:
            raise NotFoundError(f"employee {id}")
        employee = found[0].employee
        if employee.department is None:
            return found[0], None, None
        department = await store.departments.find(tx, tenant, employee.department)
        head = await store.employees.find(tx, tenant, department.head) if department and department.head else None
        return found[0], department, head.id if head else None

    async def select(self, tx: Connection, item: Item, wanted: SelectEmployee) -> UUID:
        """One of the candidates, else of the reserve. Raises `ConflictError` when nobody is left."""
        if wanted.method == "supervisor":
            candidates = await self._supervisors(tx, item, wanted.of_id)
        else:
            candidates = await self._candidates(tx, item.tenant_id, wanted)
        if left := left_of(candidates, skip_absent=wanted.skip_absent):
            return (left[0] if wanted.method == "supervisor" else secrets.choice(left)).employee.id
        reserve = await self._present(tx, item.tenant_id, wanted.reserve_ids)
        if left := left_of(reserve, skip_absent=wanted.skip_absent):
            return left[0].employee.id
        raise nobody_left([*candidates, *reserve])

    async def _supervisors(self, tx: Connection, item: Item, of: UUID | None) -> list[Candidate]:
        employee = of or item.responsible_id
        if employee is None:
            raise InvalidError(("of_id", "the item has no responsible person: name whose supervisor is meant"))
        heads = await store.candidates.heads(tx, item.tenant_id, employee)
        return [one for one in await self._present(tx, item.tenant_id, heads) if one.employee.id != employee]

    async def change_responsible(self, tx: Connection, item: Item, wanted: ChangeResponsible, actor: Actor) -> Item:
        """Gives a locked item to one of the candidates. Raises `ConflictError` when nobody is left."""
        last = await store.candidates.lock_turn(tx, item.tenant_id, wanted.turns_of) if _in_order(wanted) else None
        candidates = await self._candidates(tx, item.tenant_id, wanted)
        left = left_of(candidates, skip_absent=wanted.skip_absent, skip_not_at_work=wanted.skip_not_at_work)
        if not left:
            raise nobody_left(candidates)
        match wanted.method:
            case "random":
                chosen = secrets.choice(left).employee.id
            case "first":
                chosen = left[0].employee.id
            case "in_order":
                chosen = next_in_turn(candidates, left, last).employee.id
                await store.candidates.take_turn(tx, item.tenant_id, wanted.turns_of, chosen)
        assignment = FieldAssignment(field="responsible_id", value=str(chosen))
        return await self._items.assign(tx, item, [assignment], actor)

    async def change_observers(self, tx: Connection, item: Item, wanted: ChangeObservers, actor: Actor) -> Item:
        """Raises `InvalidError` for ids that are no employee's."""
        named = list(dict.fromkeys(wanted.observer_ids))
        match wanted.action:
            case "add":
                after = list(dict.fromkeys([*item.observer_ids, *named]))
            case "remove":
                after = [id for id in item.observer_ids if id not in named]
            case "replace":
                after = named
        assignment = FieldAssignment(field="observer_ids", value=[str(id) for id in after])
        return await self._items.assign(tx, item, [assignment], actor)

    async def _candidates(self, tx: Connection, tenant: UUID, wanted: Candidates) -> list[Candidate]:
        """Raises `InvalidError` for departments that do not exist."""
        found = (await store.candidates.members(tx, [tenant], wanted.departments))[tenant] if wanted.departments else {}
        if unknown := [code for code in wanted.departments if code not in found]:
            raise InvalidError(("departments", f"do not exist: {', '.join(unknown)}"))
        members = [id for code in wanted.departments for id in found[code]]
        return await self._present(tx, tenant, [*wanted.employee_ids, *members])

    async def _present(self, tx: Connection, tenant: UUID, ids: Sequence[UUID]) -> list[Candidate]:
        """Those who are not archived, and who gets the work of those who are, each once."""
        handovers = await self._handovers.among(tx, tenant, set(ids))
        return await self._load(tx, tenant, present(ids, handovers))

    async def _load(self, tx: Connection, tenant: UUID, ids: Sequence[UUID]) -> list[Candidate]:
        return await store.candidates.load(tx, tenant, ids, self._items.clock()) if ids else []


def _in_order(wanted: ChangeResponsible) -> bool:
    return wanted.method == "in_order"
