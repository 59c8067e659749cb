"""The exceptions list: phones and addresses that make no items any more."""

from uuid import UUID

from contracts.contexts import ContactContext
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.links import MAX_LINKED
from contracts.messages.entity_commands import FieldAssignment
from contracts.messages.party_commands import AddToExceptions
from contracts.values import PersonInput
from entity_service import store
from entity_service.application.items import Items
from entity_service.domain.contacts import cleaned
from entity_service.domain.errors import ConflictError
from entity_service.domain.exceptions import ExceptedAddress
from entity_service.domain.items import Item
from entity_service.messages import Actor

EXCEPTED = "the phone number or e-mail address is on the exceptions list: no item is made of it"


class Exceptions:
    """Each in the caller's transaction."""

    def __init__(self, items: Items, clock: Clock) -> None:
        self._items = items
        self._clock = clock

    async def check(self, tx: Connection, tenant: UUID, person: PersonInput) -> None:
        """Raises `ConflictError` for somebody whose items are not wanted, and `InvalidError`."""
        given = cleaned(person)
        addresses = [one for one in (given.phone, given.email) if one]
        if addresses and await store.exceptions.any_of(tx, tenant, addresses):
            raise ConflictError(EXCEPTED)

    async def exclude(
        self, tx: Connection, item: Item, wanted: AddToExceptions, actor: Actor
    ) -> tuple[list[str], list[UUID]]:
        """Puts the addresses of the client of a locked item on the list, deletes both; the addresses and contacts.

        The client is taken out of other items. Raises `ConflictError` for an item without a client, for one for which
        money was received, and when the client has too many other items.
        """
        ids = item.contact_ids if wanted.which == "all" else item.contact_ids[:1]
        found = [await store.contacts.find(tx, item.tenant_id, id) for id in sorted(ids)]
        contacts = [one for one in found if one is not None]
        if not contacts:
            raise ConflictError("the item has no contact: there is nobody to put on the list")
        await self._items.delete(tx, item, actor)
        addresses = list(dict.fromkeys(address for one in contacts for address in one.addresses))
        for address in addresses:
            await self.put(tx, item.tenant_id, address, f"client of {item.title}", actor)
        for contact in contacts:
            await self._delete(tx, item.tenant_id, contact, actor)
        return addresses, [one.id for one in contacts]

    async def put(self, tx: Connection, tenant: UUID, address: str, note: str, actor: Actor) -> ExceptedAddress:
        """`address` in its one form."""
        one = ExceptedAddress(address=address, note=note, added_by=actor.by, added_at=self._clock())
        await store.exceptions.save(tx, tenant, one)
        return one

    async def _delete(self, tx: Connection, tenant: UUID, contact: ContactContext, actor: Actor) -> None:
        of_contact = store.items.Filter(contact=contact.id)
        others = [one.id for one in await store.items.search(tx, tenant, of_contact, MAX_LINKED + 1)]
        if len(others) > MAX_LINKED:
            raise ConflictError(f"the client has more than {MAX_LINKED} other items: take the client out of them first")
        for other in (await store.items.lock_all(tx, tenant, others)).values():
            left = [str(id) for id in other.contact_ids if id != contact.id]
            await self._items.assign(tx, other, [FieldAssignment(field="contact_ids", value=left)], actor)
        await store.contacts.delete(tx, tenant, contact.id)
