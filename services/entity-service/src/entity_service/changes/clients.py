"""Contacts are found by their addresses, or created."""

from uuid import UUID

from contracts.contexts import ContactContext, Email, Phone
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.values import PersonInput
from entity_service import store
from entity_service.domain.clients import normalise_email, normalise_phone
from entity_service.domain.people import full_name


class Clients:
    """Knows people again."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    async def find_or_create(self, tx: Connection, tenant: UUID, person: PersonInput) -> tuple[UUID, bool]:
        """The contact's id and whether he was known, by phone number before e-mail address.

        A known contact stays as he is: whoever fills in a form must not be able to change him. Raises `InvalidError`.
        """
        phone = normalise_phone(person.phone, "person.phone") if person.phone else None
        email = normalise_email(person.email, "person.email") if person.email else None
        await store.clients.lock_addresses(tx, tenant, [address for address in (phone, email) if address])
        known = await store.clients.contacts_by_address(tx, tenant, phone=phone, email=email)
        if known:
            return known[0], True
        contact = self._new(person, phone, email)
        await store.clients.put_contact(tx, tenant, contact)
        return contact.id, False

    def _new(self, person: PersonInput, phone: str | None, email: str | None) -> ContactContext:
        return ContactContext(
            id=self._new_id(),
            first_name=person.first_name,
            last_name=person.last_name,
            name=full_name(person.first_name, person.last_name),
            phones=(Phone(number=phone),) if phone else (),
            emails=(Email(address=email),) if email else (),
        )
