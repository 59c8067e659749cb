"""New work of archived employees goes to the next (`domain.employees.Staff`), and the item's timeline says so.

A person who names an archived employee through the API is refused instead (`Items.create`, `Items.assign`,
`Tasks.create`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from contracts.field_values import as_uuid
from contracts.kit.database import Connection
from contracts.messages.entity_commands import FieldAssignment, NewItem
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.employees import Handover, nobody_left
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item
from entity_service.messages import Actor

RESPONSIBLE = "responsible_id"


class Handovers:
    """Creates and changes items for those who cannot choose somebody else: rules, forms, triggers, invoices."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def create(self, tx: Connection, tenant: UUID, wanted: NewItem, actor: Actor) -> Item:
        """As `Items.create`. Raises `InvalidError` also when nobody is left."""
        responsible, handover = await self.assignee(tx, tenant, wanted.responsible_id, RESPONSIBLE)
        wanted = wanted.model_copy(update={RESPONSIBLE: responsible})
        item = await self._items.create(tx, tenant, wanted, actor)
        await self.say(tx, item, handover, _named(item), actor)
        return item

    async def assign(self, tx: Connection, item: Item, assignments: Sequence[FieldAssignment], actor: Actor) -> Item:
        """As `Items.assign`. Raises `InvalidError` also when nobody is left."""
        named = next((one for one in reversed(assignments) if one.field == RESPONSIBLE), None)
        meant = as_uuid(named.value) if named else None
        if meant == item.responsible_id:
            return await self._items.assign(tx, item, assignments, actor)
        responsible, handover = await self.assignee(tx, item.tenant_id, meant, RESPONSIBLE)
        if handover:
            assignments = [*assignments, FieldAssignment(field=RESPONSIBLE, value=str(responsible))]
        after = await self._items.assign(tx, item, assignments, actor)
        await self.say(tx, after, handover, _named(after), actor)
        return after

    async def assignee(
        self, tx: Connection, tenant: UUID, meant: UUID | None, where: str
    ) -> tuple[UUID | None, Handover | None]:
        """Who gets work that is meant for an employee. Raises `InvalidError`, naming `where`, when nobody is left."""
        handover = (await self.among(tx, tenant, {meant})).get(meant) if meant else None
        if handover is None:
            return meant, None
        if handover.to is None:
            raise InvalidError((where, nobody_left(handover.archived)))
        return handover.to.id, handover

    async def among(self, tx: Connection, tenant: UUID, ids: Collection[UUID]) -> Mapping[UUID, Handover]:
        """Those of the employees who are archived, and who gets their work."""
        archived = await store.employees.archived(tx, tenant, ids) if ids else {}
        if not archived:
            return {}
        staff = (await store.employees.staffs(tx, [tenant])).get(tenant)
        return {id: Handover(one, staff.assignee(one)) for id, one in archived.items()} if staff else {}

    async def check_employees(self, tx: Connection, tenant: UUID, ids: set[UUID], *, by_person: bool) -> None:
        """Raises `InvalidError` for ids that are no employee's, and for archived ones that a person names."""
        unknown = ids - await store.references.existing_employees(tx, tenant, ids)
        if unknown:
            raise InvalidError(("employees", f"are no employees' ids: {', '.join(sorted(map(str, unknown)))}"))
        if by_person and (archived := await store.employees.archived(tx, tenant, ids)):
            codes = ", ".join(sorted(one.code for one in archived.values()))
            raise InvalidError(("employees", f"are archived employees: {codes}: name others"))

    async def say(self, tx: Connection, item: Item, handover: Handover | None, work: str, actor: Actor) -> None:
        """Writes into a locked item's timeline whose work goes to whom."""
        if handover is None:
            return
        data = {"archived": str(handover.archived.id), "to": str(handover.to.id) if handover.to else None}
        await self._items.note(tx, item, "history", handover.text(work), actor, dict(data))


def present(employees: Iterable[UUID], handovers: Mapping[UUID, Handover]) -> tuple[UUID, ...]:
    """Each of the employees, or who takes their place, once; without those whose place nobody takes."""
    next_of = {id: one.to.id if one.to else None for id, one in handovers.items()}
    found = (next_of.get(id, id) for id in employees)
    return tuple(dict.fromkeys(id for id in found if id is not None))


def _named(item: Item) -> str:
    return f"the {item.kind} {item.title!r}"
