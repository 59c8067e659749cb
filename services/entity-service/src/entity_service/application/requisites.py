"""Changes requisites of an item's clients."""

from contracts.contexts import CompanyContext, ContactContext
from contracts.kit.database import Connection
from contracts.messages.party_commands import ChangeRequisites
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.errors import NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.requisites import changed_names, with_values
from entity_service.messages import Actor


class RequisiteChanges:
    """In the caller's transaction, with an entry in the item's timeline."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def change(self, tx: Connection, item: Item, wanted: ChangeRequisites, actor: Actor) -> tuple[str, ...]:
        """What changed, by name. Raises `NotFoundError` for a client who is not the item's any more, `InvalidError`."""
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
        its = item.contact_ids if wanted.party == "contact" else [id for id in [item.company_id] if id]
        id = wanted.party_id or next(iter(its), None)
        found: ContactContext | CompanyContext | None = None
        if id in its:
            parties = store.contacts if wanted.party == "contact" else store.companies
            found = await parties.find(tx, item.tenant_id, id)
        if found is None:
            raise NotFoundError(f"such {wanted.party} of the item any more")
        return found


async def _save(tx: Connection, item: Item, party: ContactContext | CompanyContext) -> None:
    if isinstance(party, ContactContext):
        await store.contacts.save(tx, item.tenant_id, party)
    else:
        await store.companies.save(tx, item.tenant_id, party)
