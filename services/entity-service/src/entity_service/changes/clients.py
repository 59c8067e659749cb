"""Contacts are found by their addresses, or created."""

from dataclasses import dataclass
from uuid import UUID

from contracts.contexts import ContactContext, Email, Phone
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.values import PersonInput
from entity_service import store
from entity_service.domain.clients import cleaned, news_of, with_addresses
from entity_service.domain.errors import ConflictError
from entity_service.domain.people import full_name


@dataclass(frozen=True, slots=True)
class Client:
    """Whose item it is; `news` says what somebody known told of themselves that was not known, for people."""

    id: UUID
    known: bool = False
    news: str | None = None


class Clients:
    """Knows people again."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    async def find_or_create(self, tx: Connection, tenant: UUID, person: PersonInput) -> Client:
        """The contact known by phone number before e-mail address, else a new one. Raises `InvalidError`.

        A known contact keeps what is there: whoever fills in a form must not be able to change it. A new address is
        added behind the others, unless several contacts come into question.
        """
        given = cleaned(person)
        await store.clients.lock_addresses(tx, tenant, [one for one in (given.phone, given.email) if one])
        known = await store.clients.contacts_by_address(tx, tenant, phone=given.phone, email=given.email)
        if not known:
            new = self._new(given)
            await store.clients.put_contact(tx, tenant, new)
            return Client(new.id)
        contact = await store.clients.contact(tx, tenant, known[0])
        if contact is None:
            raise ConflictError("the contact was removed just now")
        extended = with_addresses(contact, given) if len(known) == 1 else contact
        if extended != contact:
            await store.clients.put_contact(tx, tenant, extended)
        return Client(contact.id, known=True, news=news_of(contact, extended, given))

    def _new(self, given: PersonInput) -> ContactContext:
        return ContactContext(
            id=self._new_id(),
            first_name=given.first_name,
            last_name=given.last_name,
            name=full_name(given.first_name, given.last_name),
            phones=(Phone(number=given.phone),) if given.phone else (),
            emails=(Email(address=given.email),) if given.email else (),
        )
