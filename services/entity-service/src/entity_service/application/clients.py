"""Contacts are found by their addresses, or created."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.contexts import ContactContext, Email, Phone
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.messages.comms import RecordConsent
from contracts.topics import COMMS_COMMANDS
from contracts.values import PersonInput
from entity_service import messages, store
from entity_service.domain.clients import cleaned, news_of, with_addresses
from entity_service.domain.errors import ConflictError
from entity_service.domain.people import full_name


@dataclass(frozen=True, slots=True)
class Client:
    """Whose item it is; `news` says what somebody known told of themselves that was not known, for people."""

    id: UUID
    known: bool = False
    news: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutWord:
    """What somebody said of a contact; null: nothing."""

    opted_out: bool | None
    by: str


class Clients:
    """Knows people again, and passes on whether they want messages."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id

    async def put(
        self,
        tx: Connection,
        tenant: UUID,
        contact: ContactContext,
        word: OptOutWord,
        before: ContactContext | None = None,
    ) -> ContactContext:
        """Writes a contact, and tells comms-service what was said of messages; `before` is as it was, locked.

        Who has opted out has done so for addresses that are added later, too.
        """
        await store.clients.put_contact(tx, tenant, contact)
        said_at = before.opted_out_at if before else None
        if (word.opted_out and said_at is None) or (word.opted_out is False and before and before.opted_out):
            at = await store.consents.state(tx, tenant, contact.id, opted_out=word.opted_out, now=self._clock())
            await self._tell(tx, tenant, contact.id, contact.addresses, word, at)
        elif before and said_at is not None:
            added = tuple(address for address in contact.addresses if address not in before.addresses)
            await self._tell(tx, tenant, contact.id, added, OptOutWord(opted_out=True, by=word.by), said_at)
        return await store.clients.contact(tx, tenant, contact.id) or contact

    async def _tell(
        self, tx: Connection, tenant: UUID, id: UUID, addresses: tuple[str, ...], word: OptOutWord, at: datetime
    ) -> None:
        if addresses:
            said = RecordConsent(
                addresses=addresses, opted_out=bool(word.opted_out), source="contact", by=word.by, at=at
            )
            order = messages.record_consent(tenant, id, said, self._new_id(), self._clock())
            await self._outbox.put(tx, COMMS_COMMANDS, order)

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
            await self.put(tx, tenant, extended, OptOutWord(opted_out=None, by="form"), contact)
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
