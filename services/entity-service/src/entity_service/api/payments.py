"""`/v1/items/{id}/invoices`, `…/payments` and `/v1/payments`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.texts import Title
from contracts.values import ItemSnapshot
from entity_service import store
from entity_service.api.inputs import Amount
from entity_service.api.responses import actor_of, create_once, created, find_item
from entity_service.application import Changes
from entity_service.domain.payments import Payment


class InvoiceInput(Input):
    """An invoice for an item; without `amount` it comes to the item's."""

    title: Title | None = None
    amount: Amount | None = None


class Invoice(BaseModel):
    """The invoice item and the payment that is expected for it."""

    invoice: ItemSnapshot
    payment_id: UUID


def router(service: Service, changes: Changes) -> APIRouter:
    """Everybody may read; agents make invoices. Only the provider reports what became of a payment."""
    routes = APIRouter(prefix="/v1", tags=["payments"])

    @routes.post("/items/{id}/invoices", status_code=201, response_model=Invoice)
    async def create_invoice(
        request: Request, id: UUID, body: InvoiceInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Makes an invoice in the tenant's first invoice pipeline, linked to the item, with a pending payment."""

        async def create(tx: Connection) -> Response:
            deal = await changes.items.lock(tx, caller.tenant, id)
            invoice, payment, _ = await changes.conversions.invoice(
                tx, deal, actor_of(caller), title=body.title, amount=body.amount
            )
            return created(Invoice(invoice=invoice.snapshot(), payment_id=payment.id))

        return await create_once(service, request, caller, create)

    @routes.get("/items/{id}/payments")
    async def list_payments(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Payment]:
        """Payments for a deal, or of an invoice, oldest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            return paging.by_id(await store.payments.of_item(tx, caller.tenant, id, paging.id, paging.rows))

    @routes.get("/payments/{id}")
    async def get_payment(id: UUID, caller: Caller = require(Role.VIEWER)) -> Payment:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.payments.find(tx, caller.tenant, id), f"payment {id}")

    return routes
