"""`/v1/items/{id}/conversions`: what is made of an item."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.service import Service
from contracts.messages.link_commands import ConversionFields
from contracts.values import ItemSnapshot
from entity_service.api.responses import actor_of, create_once, created
from entity_service.application import Changes


class ConversionInput(ConversionFields, Input):
    """What is to be made of the item."""


class Conversion(BaseModel):
    """What was made: an item, for an invoice with the payment that is expected, or a client.

    `not_carried` names what of the item was not carried over, and why.
    """

    item: ItemSnapshot | None
    payment_id: UUID | None
    contact_id: UUID | None
    company_id: UUID | None
    not_carried: tuple[str, ...]


def router(service: Service, changes: Changes) -> APIRouter:
    """Agents make them."""
    routes = APIRouter(prefix="/v1/items/{id}/conversions", tags=["items"])

    @routes.post("", status_code=201, response_model=Conversion)
    async def convert_item(
        request: Request, id: UUID, body: ConversionInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Makes a deal, contact or company of a lead, an invoice or quote of a deal, a deal or invoice of a quote.

        Clients, products and all fields of the same code are carried over; the item stays as it is.
        """

        async def create(tx: Connection) -> Response:
            source = await changes.items.lock(tx, caller.tenant, id)
            made = await changes.conversions.convert(tx, source, body, actor_of(caller))
            return created(
                Conversion(
                    item=made.item.snapshot() if made.item else None,
                    payment_id=made.payment.id if made.payment else None,
                    contact_id=made.contact_id,
                    company_id=made.company_id,
                    not_carried=made.not_carried,
                )
            )

        return await create_once(service, request, caller, create)

    return routes
