"""Contacts are found by their addresses, or created."""

from dataclasses import dataclass, replace
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
from entity_service.domain.contacts import cleaned, news_of, with_addresses
from entity_service.domain.errors import ConflictError
from entity_service.domain.names import full_name


@dataclass(frozen=True, slots=True)
class Client:
    """Whose item it is; `news` says for people what a known client gave that was not known."""

    id: UUID
    known: bool = False
    news: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentStatement:
    """Whether a contact wants no messages, as somebody states it; null: they state nothing."""

    opted_out: bool | None
    by: str


class Contacts:
    """Finds contacts by their addresses, and publishes whether they want messages."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id

    async def put(
        self,
        tx: Connection,
        tenant: UUID,
        contact: ContactContext,
        statement: ConsentStatement,
        before: ContactContext | None = None,
    ) -> ContactContext:
        """Writes a contact, and commands comms-service to record the statement; `before` is as it was, locked.

        A contact who has opted out has done so for addresses that are added later, too.
        """
        await store.contacts.save(tx, tenant, contact)
        opted_out, stated_at = statement.opted_out, before.opted_out_at if before else None
        if (opted_out and stated_at is None) or (opted_out is False and before and before.opted_out):
            at = await store.consents.state(tx, tenant, contact.id, opted_out=opted_out, now=self._clock())
            await self._record(tx, tenant, contact.id, contact.addresses, statement, at)
        elif before and stated_at is not None:
            added = tuple(address for address in contact.addresses if address not in before.addresses)
            await self._record(tx, tenant, contact.id, added, replace(statement, opted_out=True), stated_at)
        return await store.contacts.find(tx, tenant, contact.id) or contact

    async def _record(  # noqa: PLR0913 - a consent's parts
        self,
        tx: Connection,
        tenant: UUID,
        contact: UUID,
        addresses: tuple[str, ...],
        statement: ConsentStatement,
        at: datetime,
    ) -> None:
        if addresses:
            opted_out = bool(statement.opted_out)
            body = RecordConsent(addresses=addresses, opted_out=opted_out, source="contact", by=statement.by, at=at)
            command = messages.record_consent(tenant, contact, body, self._new_id(), self._clock())
            await self._outbox.put(tx, COMMS_COMMANDS, command)

    async def find_or_create(self, tx: Connection, tenant: UUID, person: PersonInput) -> Client:
        """The contact known by phone number before e-mail address, else a new one. Raises `InvalidError`.

        A known contact keeps what is there: a visitor who fills in a form must not be able to change it. A new address
        is added behind the others, unless several contacts have one of the addresses.
        """
        given = cleaned(person)
        await store.contacts.lock_addresses(tx, tenant, [one for one in (given.phone, given.email) if one])
        known = await store.contacts.by_address(tx, tenant, phone=given.phone, email=given.email)
        if not known:
            new = self._new(given)
            await store.contacts.save(tx, tenant, new)
            return Client(new.id)
        contact = await store.contacts.find(tx, tenant, known[0])
        if contact is None:
            raise ConflictError("the contact was removed just now")
        extended = with_addresses(contact, given) if len(known) == 1 else contact
        if extended != contact:
            await self.put(tx, tenant, extended, ConsentStatement(opted_out=None, by="form"), contact)
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
