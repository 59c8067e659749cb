"""Handles the commands about employees, and about who works on items."""

from contracts.kit.database import Connection
from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible, ReadEmployee, SelectEmployee
from entity_service.application import Changes
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class PeopleHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._people = changes.people

    @on_item(ReadEmployee)
    async def read_employee(self, action: ItemAction[ReadEmployee], tx: Connection) -> Outputs:
        found, department, head = await self._people.read(tx, action.tenant, action.data.employee_id)
        employee = found.employee
        return {
            "employee_id": str(employee.id),
            "name": employee.name,
            "first_name": employee.first_name,
            "email": employee.email,
            "phone": employee.phone,
            "position": employee.position,
            "department": department.name if department else None,
            "head_id": str(head) if head else None,
            "absent_until": found.absent_until.isoformat() if found.absent_until else None,
        }

    @on_item(SelectEmployee)
    async def select_employee(self, action: ItemAction[SelectEmployee], tx: Connection) -> Outputs:
        """Refuses when nobody is left."""
        return {"employee_id": str(await self._people.select(tx, action.item, action.data))}

    @on_item(ChangeResponsible)
    async def change_responsible(self, action: ItemAction[ChangeResponsible], tx: Connection) -> Outputs:
        """Refuses when nobody is left; then no turn is taken."""
        item = await self._people.change_responsible(tx, action.item, action.data, action.actor)
        return {"responsible_id": str(item.responsible_id), "version": item.version}

    @on_item(ChangeObservers)
    async def change_observers(self, action: ItemAction[ChangeObservers], tx: Connection) -> Outputs:
        item = await self._people.change_observers(tx, action.item, action.data, action.actor)
        return {"observer_ids": [str(id) for id in item.observer_ids], "version": item.version}
