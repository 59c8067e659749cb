"""`/v1/contacts`."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel

from contracts.addresses import consent_key
from contracts.clients import ContactFields
from contracts.contexts import ContactContext
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.comms import ConsentSource
from entity_service import store
from entity_service.api.inputs import Address, address_filter
from entity_service.api.requisites import RequisitesInput, merged, requisites_of
from entity_service.api.responses import create_once, created
from entity_service.application import Changes
from entity_service.application.contacts import ConsentStatement
from entity_service.domain.contacts import contact_of


class ContactInput(ContactFields, Input):
    """A person. In a PATCH only what is given changes."""

    requisites: RequisitesInput = RequisitesInput()

    def values(self) -> dict[str, Any]:
        """What the request names, with requisites as they are kept. Raises `InvalidError`."""
        given = self.model_dump(exclude_unset=True)
        return given | ({"requisites": requisites_of(self.requisites)} if "requisites" in given else {})


class Consent(BaseModel):
    """Whether the owner of one address wants messages."""

    address: str
    opted_out: bool
    source: ConsentSource
    by: str
    at: AwareDatetime


def router(service: Service, changes: Changes, new_id: NewId) -> APIRouter:
    """Everybody may read; agents may write."""
    routes = APIRouter(prefix="/v1/contacts", tags=["clients"])
    _add_changes(routes, service, changes, new_id)
    _add_lists(routes, service)
    return routes


def _add_changes(routes: APIRouter, service: Service, changes: Changes, new_id: NewId) -> None:
    @routes.post("", status_code=201, response_model=ContactContext)
    async def create_contact(request: Request, body: ContactInput, caller: Caller = require(Role.AGENT)) -> Response:
        contact = contact_of(new_id(), {"first_name": "", "last_name": ""} | body.values())

        async def create(tx: Connection) -> Response:
            statement = ConsentStatement(opted_out=body.opted_out or None, by=caller.subject)
            return created(await changes.contacts.put(tx, caller.tenant, contact, statement))

        return await create_once(service, request, caller, create)

    @routes.patch("/{id}")
    async def patch_contact(id: UUID, body: ContactInput, caller: Caller = require(Role.AGENT)) -> ContactContext:
        """Changes what is given."""
        async with service.database.transaction(caller.tenant) as tx:
            before = await _find(tx, caller, id)
            contact = contact_of(id, merged(before.model_dump(), body.values()))
            opted_out = body.opted_out if "opted_out" in body.model_fields_set else None
            statement = ConsentStatement(opted_out=opted_out, by=caller.subject)
            return await changes.contacts.put(tx, caller.tenant, contact, statement, before)


def _add_lists(routes: APIRouter, service: Service) -> None:
    @routes.get("/{id}")
    async def get_contact(id: UUID, caller: Caller = require(Role.VIEWER)) -> ContactContext:
        async with service.database.transaction(caller.tenant) as tx:
            return await _find(tx, caller, id)

    @routes.get("/{id}/consents")
    async def list_consents(id: UUID, paging: Paged, caller: Caller = require(Role.AGENT)) -> Page[Consent]:
        """What comms-service knows of the contact's addresses, as far as its events have come: who, when and how."""
        after = paging.after(tuple[str]) or ("",)
        async with service.database.transaction(caller.tenant) as tx:
            contact = await _find(tx, caller, id)
            keys = sorted(key for key in map(consent_key, contact.addresses) if key > after[0])
            known = await store.consents.of_addresses(tx, caller.tenant, keys)
        return paging.page(
            known[: paging.rows],
            lambda one: (one.address,),
            lambda one: Consent.model_validate(one, from_attributes=True),
        )

    @routes.get("")
    async def list_contacts(
        paging: Paged, phone: Address = None, email: Address = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[ContactContext]:
        """Newest first; with an address only those who have it."""
        wanted = address_filter(phone, email)
        async with service.database.transaction(caller.tenant) as tx:
            return paging.by_id(await store.contacts.search(tx, caller.tenant, wanted, paging.id, paging.rows))


async def _find(tx: Connection, caller: Caller, id: UUID) -> ContactContext:
    return found(await store.contacts.find(tx, caller.tenant, id), f"contact {id}")
