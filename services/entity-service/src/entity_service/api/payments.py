"""`/v1/items/{id}/invoices`, `…/payments` and `/v1/payments`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page, not_found
from contracts.kit.service import Service
from contracts.texts import Title
from contracts.values import ItemSnapshot
from entity_service import store
from entity_service.api.inputs import Amount
from entity_service.api.responses import actor_of, create_once, created
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


class PaymentRoutes:
    """Everybody may read; agents make invoices. What became of a payment is reported by its provider only."""

    def __init__(self, service: Service, changes: Changes) -> None:
        self._service = service
        self._changes = changes

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["payments"])
        add = router.add_api_route
        add("/items/{id}/invoices", self.invoice, methods=["POST"], status_code=201, response_model=Invoice)
        add("/items/{id}/payments", self.payments, methods=["GET"], response_model=Page[Payment])
        add("/payments/{id}", self.payment, methods=["GET"], response_model=Payment)
        return router

    async def invoice(
        self, request: Request, id: UUID, body: InvoiceInput, caller: Caller = require(Role.AGENT)
    ) -> Response:
        """Makes an invoice in the tenant's first invoice pipeline, linked to the item, with a pending payment."""

        async def do(tx: Connection) -> Response:
            deal = await self._changes.items.lock(tx, caller.tenant, id)
            invoice, payment = await self._changes.payments.invoice(
                tx, deal, actor_of(caller), title=body.title, amount=body.amount
            )
            return created(Invoice(invoice=invoice.snapshot(), payment_id=payment.id))

        return await create_once(self._service, request, caller, do)

    async def payments(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> Page[Payment]:
        """Payments for a deal, or of an invoice, oldest first."""
        async with self._service.database.transaction(caller.tenant) as tx:
            if await store.items.find(tx, caller.tenant, id) is None:
                raise not_found(f"item {id}")
            return Page(items=await store.payments.of_item(tx, caller.tenant, id))

    async def payment(self, id: UUID, caller: Caller = require(Role.VIEWER)) -> Payment:
        async with self._service.database.transaction(caller.tenant) as tx:
            found = await store.payments.find(tx, caller.tenant, id)
        if found is None:
            raise not_found(f"payment {id}")
        return found
