"""Handles the commands about clients of items."""

from contracts.kit.database import Connection
from contracts.messages.client_commands import CreateCompany, CreateContact, UpdateCompany, UpdateContacts
from entity_service.application import Changes
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class ClientHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._clients = changes.clients

    @on_item(UpdateContacts)
    async def update_contacts(self, action: ItemAction[UpdateContacts], tx: Connection) -> Outputs:
        data = action.data
        ids = await self._clients.update_contacts(tx, action.item, data.contact_ids, data.assignments, action.actor)
        return {"contact_ids": [str(id) for id in ids]}

    @on_item(UpdateCompany)
    async def update_company(self, action: ItemAction[UpdateCompany], tx: Connection) -> Outputs:
        data = action.data
        await self._clients.update_company(tx, action.item, data.company_id, data.assignments, action.actor)
        return {"company_id": str(data.company_id)}

    @on_item(CreateContact)
    async def create_contact(self, action: ItemAction[CreateContact], tx: Connection) -> Outputs:
        data = action.data
        made = self._clients.create_contact(tx, action.item, data.assignments, action.actor, linked=data.linked)
        return {"contact_id": str(await made)}

    @on_item(CreateCompany)
    async def create_company(self, action: ItemAction[CreateCompany], tx: Connection) -> Outputs:
        data = action.data
        made = self._clients.create_company(tx, action.item, data.assignments, action.actor, linked=data.linked)
        return {"company_id": str(await made)}
