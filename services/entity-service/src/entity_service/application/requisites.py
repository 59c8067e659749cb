"""Changes requisites of an item's clients."""

from collections.abc import Mapping

from contracts.contexts import CompanyContext, ContactContext
from contracts.kit.database import Connection
from contracts.messages.party_commands import ChangeRequisites
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.errors import ConflictError
from entity_service.domain.items import Item
from entity_service.domain.requisites import changed_names, with_values
from entity_service.messages import Actor

NO_CLIENT: Mapping[str, str] = {"contact": "the item has no contact", "company": "the item has no company"}


class RequisiteChanges:
    """In the caller's transaction, with an entry in the item's timeline."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def change(self, tx: Connection, item: Item, wanted: ChangeRequisites, actor: Actor) -> tuple[str, ...]:
        """What changed, by name. Raises `ConflictError` without such a client, and `InvalidError`."""
        party = await self._party(tx, item, wanted)
        after = with_values(party.requisites, wanted.template, wanted.address_type, wanted.values)
        changed = changed_names(party.requisites, after)
        if changed:
            await _save(tx, item, party.model_copy(update={"requisites": after}))
            text = f"changed requisites of the {wanted.party}: {', '.join(changed)}"
            await self._items.note(tx, item, "history", text, actor, {f"{wanted.party}_id": str(party.id)})
        return changed

    async def _party(self, tx: Connection, item: Item, wanted: ChangeRequisites) -> ContactContext | CompanyContext:
        """The client, whom nobody else changes until the transaction ends."""
        found: ContactContext | CompanyContext | None = None
        if wanted.party == "contact" and item.contact_ids:
            found = await store.contacts.find(tx, item.tenant_id, item.contact_ids[0])
        elif wanted.party == "company" and item.company_id:
            found = await store.companies.find(tx, item.tenant_id, item.company_id)
        if found is None:
            raise ConflictError(NO_CLIENT[wanted.party])
        return found


async def _save(tx: Connection, item: Item, party: ContactContext | CompanyContext) -> None:
    if isinstance(party, ContactContext):
        await store.contacts.save(tx, item.tenant_id, party)
    else:
        await store.companies.save(tx, item.tenant_id, party)
