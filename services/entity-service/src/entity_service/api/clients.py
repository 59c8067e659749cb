"""`/v1/contacts` and `/v1/companies`."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from contracts.addresses import consent_key
from contracts.contexts import CompanyContext, ContactContext, Email, Phone
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.http import Cursor, Limit, Page, not_found
from contracts.kit.service import Service
from contracts.messages.comms import ConsentSource
from contracts.texts import Line, Name
from entity_service import store
from entity_service.api.inputs import Address, EmailInput, PhoneInput, before
from entity_service.api.responses import create_once, created, page
from entity_service.application import Changes
from entity_service.application.clients import OptOutWord
from entity_service.domain.calendars import check_zone
from entity_service.domain.clients import MAX_ADDRESSES, normalise_email, normalise_phone
from entity_service.domain.people import full_name

Phones = Annotated[tuple[PhoneInput, ...], Field(max_length=MAX_ADDRESSES)]
Emails = Annotated[tuple[EmailInput, ...], Field(max_length=MAX_ADDRESSES)]
LongText = Annotated[str, StringConstraints(max_length=1000)]


class ContactInput(Input):
    """A person. In a PATCH only what is given changes."""

    first_name: Line = ""
    last_name: Line = ""
    phones: Phones = ()
    emails: Emails = ()
    opted_out: bool = False
    time_zone: Annotated[str, AfterValidator(check_zone)] | None = None


class Consent(BaseModel):
    """Whether the owner of one address wants messages."""

    address: str
    opted_out: bool
    source: ConsentSource
    by: str
    at: AwareDatetime


class CompanyInput(Input):
    """A company."""

    title: Name
    phones: Phones = ()
    emails: Emails = ()
    address: LongText | None = None
    tax_number: Line | None = None


class CompanyPatch(CompanyInput):
    """Only what is given changes."""

    title: Name = "-"


class ClientRoutes:
    """Everybody may read; agents may write."""

    def __init__(self, service: Service, changes: Changes, new_id: NewId) -> None:
        self._service = service
        self._changes = changes
        self._new_id = new_id

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["clients"])
        add = router.add_api_route
        add("/contacts", self.create_contact, methods=["POST"], status_code=201, response_model=ContactContext)
        add("/contacts", self.contacts, methods=["GET"], response_model=Page[ContactContext])
        add("/contacts/{id}", self.contact, methods=["GET"], response_model=ContactContext)
        add("/contacts/{id}/consents", self.consents, methods=["GET"], response_model=Page[Consent])
        add("/contacts/{id}", self.patch_contact, methods=["PATCH"], response_model=ContactContext)
        add("/companies", self.create_company, methods=["POST"], status_code=201, response_model=CompanyContext)
        add("/companies", self.companies, methods=["GET"], response_model=Page[CompanyContext])
        add("/companies/{id}", self.company, methods=["GET"], response_model=CompanyContext)
        add("/companies/{id}", self.patch_company, methods=["PATCH"], response_model=CompanyContext)
        return router

    async def create_contact(
        self, request: Request, body: ContactInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        contact = _contact(self._new_id(), _values(body))

        async def do(tx: Connection) -> Response:
            word = OptOutWord(opted_out=body.opted_out or None, by=caller.subject)
            return created(await self._changes.clients.put(tx, caller.tenant, contact, word))

        return await create_once(self._service, request, caller, do)

    async def patch_contact(self, id: UUID, body: ContactInput, caller: Caller = require(Role.AGENT)) -> ContactContext:
        """Changes what is given."""
        async with self._service.database.transaction(caller.tenant) as tx:
            before = await _find_contact(tx, caller, id)
            contact = _contact(id, before.model_dump() | _values(body, given=True))
            said = body.opted_out if "opted_out" in body.model_fields_set else None
            word = OptOutWord(opted_out=said, by=caller.subject)
            return await self._changes.clients.put(tx, caller.tenant, contact, word, before)

    async def contact(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> ContactContext:
        async with self._service.database.transaction(caller.tenant) as tx:
            return await _find_contact(tx, caller, id)

    async def consents(self, id: UUID, caller: Caller = require(Role.AGENT)) -> Page[Consent]:
        """What comms-service knows of the contact's addresses, as far as it has been heard of: who, when and how."""
        async with self._service.database.transaction(caller.tenant) as tx:
            contact = await _find_contact(tx, caller, id)
            keys = [consent_key(address) for address in contact.addresses]
            known = await store.consents.of_addresses(tx, caller.tenant, keys)
        return Page(items=[Consent.model_validate(one, from_attributes=True) for one in known])

    async def contacts(
        self,
        phone: Address = None,
        email: Address = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[ContactContext]:
        """Contacts, newest first; with an address only those who have it."""
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.clients.contacts(tx, caller.tenant, _filter(phone, email, cursor), limit + 1)
        return page(found, limit)

    async def create_company(
        self, request: Request, body: CompanyInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        company = _company(self._new_id(), _values(body))

        async def do(tx: Connection) -> Response:
            await store.clients.put_company(tx, caller.tenant, company)
            return created(company)

        return await create_once(self._service, request, caller, do)

    async def patch_company(self, id: UUID, body: CompanyPatch, caller: Caller = require(Role.AGENT)) -> CompanyContext:
        """Changes what is given."""
        async with self._service.database.transaction(caller.tenant) as tx:
            company = _company(id, (await _find_company(tx, caller, id)).model_dump() | _values(body, given=True))
            await store.clients.put_company(tx, caller.tenant, company)
        return company

    async def company(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> CompanyContext:
        async with self._service.database.transaction(caller.tenant) as tx:
            return await _find_company(tx, caller, id)

    async def companies(
        self,
        phone: Address = None,
        email: Address = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[CompanyContext]:
        """Companies, newest first; with an address only those that have it."""
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.clients.companies(tx, caller.tenant, _filter(phone, email, cursor), limit + 1)
        return page(found, limit)


async def _find_contact(tx: Connection, caller: Caller, id: UUID) -> ContactContext:
    found = await store.clients.contact(tx, caller.tenant, id)
    if found is None:
        raise not_found(f"contact {id}")
    return found


async def _find_company(tx: Connection, caller: Caller, id: UUID) -> CompanyContext:
    found = await store.clients.company(tx, caller.tenant, id)
    if found is None:
        raise not_found(f"company {id}")
    return found


def _filter(phone: str | None, email: str | None, cursor: str | None) -> store.clients.Filter:
    return store.clients.Filter(
        phone=normalise_phone(phone) if phone else None,
        email=normalise_email(email) if email else None,
        before=before(cursor),
    )


def _values(body: ContactInput | CompanyInput, *, given: bool = False) -> dict[str, Any]:
    """The input's values with addresses as they are kept; `given`: only those that the request names."""
    values = body.model_dump(exclude_unset=given)
    if "phones" in values:
        values["phones"] = _phones(body.phones)
    if "emails" in values:
        values["emails"] = _emails(body.emails)
    return values


def _phones(inputs: Sequence[PhoneInput]) -> tuple[Phone, ...]:
    return tuple(
        Phone(number=normalise_phone(phone.number, f"phones[{place}].number"), type=phone.type)
        for place, phone in enumerate(inputs)
    )


def _emails(inputs: Sequence[EmailInput]) -> tuple[Email, ...]:
    return tuple(
        Email(address=normalise_email(email.address, f"emails[{place}].address"), type=email.type)
        for place, email in enumerate(inputs)
    )


def _contact(id: UUID, values: dict[str, Any]) -> ContactContext:
    contact = ContactContext.model_validate(values | {"id": id, "name": ""})
    return contact.model_copy(
        update={
            "name": full_name(contact.first_name, contact.last_name),
            "phone": contact.phones[0].number if contact.phones else None,
            "email": contact.emails[0].address if contact.emails else None,
        }
    )


def _company(id: UUID, values: dict[str, Any]) -> CompanyContext:
    company = CompanyContext.model_validate(values | {"id": id})
    return company.model_copy(
        update={
            "phone": company.phones[0].number if company.phones else None,
            "email": company.emails[0].address if company.emails else None,
        }
    )
