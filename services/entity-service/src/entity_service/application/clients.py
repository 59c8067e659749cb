"""Clients of items, changed and created because of the item."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts.clients import CompanyFields, ContactFields
from contracts.kit.database import Connection
from contracts.messages.entity_commands import FieldAssignment
from entity_service import store
from entity_service.application.contacts import ConsentStatement, Contacts
from entity_service.application.items import Items
from entity_service.domain.client_fields import assigned
from entity_service.domain.companies import company_of
from entity_service.domain.contacts import contact_of
from entity_service.domain.errors import NotFoundError
from entity_service.domain.items import Item
from entity_service.messages import Actor

type Assignments = Sequence[FieldAssignment]


class Clients:
    """Changes contacts and companies, and says so in the item's timeline."""

    def __init__(self, items: Items, contacts: Contacts) -> None:
        self._items = items
        self._contacts = contacts

    async def update_contacts(
        self, tx: Connection, item: Item, ids: Sequence[UUID], assignments: Assignments, actor: Actor
    ) -> list[UUID]:
        """Those that are a locked item's. Raises `NotFoundError` when none is, and `InvalidError`."""
        own = sorted(id for id in set(ids) if id in item.contact_ids)
        if not own:
            raise NotFoundError("such contact of the item any more")
        for id in own:
            await self._update_contact(tx, item, id, assignments, actor)
        return own

    async def _update_contact(
        self, tx: Connection, item: Item, id: UUID, assignments: Assignments, actor: Actor
    ) -> None:
        before = await store.contacts.find(tx, item.tenant_id, id)
        if before is None:
            raise NotFoundError(f"contact {id}")
        present = before.model_dump()
        values = assigned(ContactFields, present, assignments)
        after = contact_of(id, present | values)
        statement = ConsentStatement(opted_out=values.get("opted_out"), by=actor.by)
        await self._contacts.put(tx, item.tenant_id, after, statement, before)
        if changed := [name for name in values if present[name] != values[name]]:
            text = f"changed {after.name or 'the contact'}: {', '.join(changed)}"
            await self._items.note(tx, item, "history", text, actor, {"contact_id": str(id)})

    async def update_company(
        self, tx: Connection, item: Item, id: UUID, assignments: Assignments, actor: Actor
    ) -> None:
        """Raises `NotFoundError` when it is not the company of a locked item, and `InvalidError`."""
        before = await store.companies.find(tx, item.tenant_id, id) if id == item.company_id else None
        if before is None:
            raise NotFoundError("such company of the item any more")
        present = before.model_dump()
        values = assigned(CompanyFields, present, assignments)
        after = company_of(id, present | values)
        if after != before:
            await store.companies.save(tx, item.tenant_id, after)
            changed = ", ".join(name for name in values if present[name] != values[name])
            text, data = f"changed {after.title}: {changed}", {"company_id": str(id)}
            await self._items.note(tx, item, "history", text, actor, dict(data))

    async def create_contact(
        self, tx: Connection, item: Item, assignments: Assignments, actor: Actor, *, linked: bool
    ) -> UUID:
        """One of a locked item's contacts if `linked`. Raises `InvalidError`."""
        values = assigned(ContactFields, {}, assignments)
        contact = contact_of(self._items.new_id(), {"first_name": "", "last_name": ""} | values)
        statement = ConsentStatement(opted_out=contact.opted_out or None, by=actor.by)
        await self._contacts.put(tx, item.tenant_id, contact, statement)
        if linked:
            await self._link(tx, item, "contact_ids", contact.id, actor)
        return contact.id

    async def create_company(
        self, tx: Connection, item: Item, assignments: Assignments, actor: Actor, *, linked: bool
    ) -> UUID:
        """The company of a locked item if `linked`. Raises `InvalidError`."""
        company = company_of(self._items.new_id(), assigned(CompanyFields, {}, assignments))
        await store.companies.save(tx, item.tenant_id, company)
        if linked:
            await self._link(tx, item, "company_id", company.id, actor)
        return company.id

    async def _link(self, tx: Connection, item: Item, field: str, id: UUID, actor: Actor) -> None:
        assignment: dict[str, Any] = {"field": field, "value": str(id), "append": field == "contact_ids"}
        await self._items.assign(tx, item, [FieldAssignment(**assignment)], actor)
