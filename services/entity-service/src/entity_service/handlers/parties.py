"""Handles the commands about requisites of clients, and about the exceptions list."""

from contracts.kit.database import Connection
from contracts.messages.party_commands import AddToExceptions, ChangeRequisites
from entity_service.application import Changes
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class PartyHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._requisites = changes.requisites
        self._exceptions = changes.exceptions

    @on_item(ChangeRequisites)
    async def change_requisites(self, action: ItemAction[ChangeRequisites], tx: Connection) -> Outputs:
        changed = await self._requisites.change(tx, action.item, action.data, action.actor)
        return {"changed": list(changed)}

    @on_item(AddToExceptions)
    async def add_to_exceptions(self, action: ItemAction[AddToExceptions], tx: Connection) -> Outputs:
        """Refuses for an item without a client, and for one for which money was received."""
        addresses, contacts = await self._exceptions.exclude(tx, action.item, action.data, action.actor)
        return {"addresses": len(addresses), "contact_ids": [str(id) for id in contacts]}
