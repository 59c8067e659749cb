"""Payments of invoices, and what became of them."""

from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.entity_events import PaymentStatus
from contracts.reports import PaymentReport
from contracts.values import Money
from entity_service import messages, store
from entity_service.application.items import Items
from entity_service.application.payment_links import by_account
from entity_service.domain.accounts import Account
from entity_service.domain.errors import NotFoundError
from entity_service.domain.items import Item, Place
from entity_service.domain.payments import Payment, is_news, is_settled
from entity_service.domain.pipelines import find_stage, first_won
from entity_service.messages import Actor


class Payments:
    """Expects payments and records what providers report."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def expect(self, tx: Connection, deal: Item, invoice: Item, due: Money, actor: Actor) -> Payment:
        """The payment, pending, of an invoice that was made of a locked deal."""
        payment = self._pending(invoice, deal, due)
        await store.payments.save(tx, payment)
        await store.links.add(tx, deal.tenant_id, deal.id, invoice.id, "invoice")
        ids = {"invoice_id": str(invoice.id), "payment_id": str(payment.id)}
        await self._items.note(tx, deal, "invoice", invoice.title, actor, dict(ids))
        await self._items.publish(tx, deal, messages.payment_changed(payment, None), actor)
        return payment

    def _pending(self, invoice: Item, deal: Item, due: Money) -> Payment:
        now = self._items.clock()
        return Payment(
            tenant_id=deal.tenant_id,
            id=self._items.new_id(),
            invoice_id=invoice.id,
            deal_id=deal.id,
            status="pending",
            amount=due,
            created_at=now,
            updated_at=now,
        )

    async def report(self, tx: Connection, account: Account, report: PaymentReport) -> None:
        """Records what a provider says; repeated and overtaken reports change nothing.

        A payment by an account's link is that account's to report, any other one may be reported by each of them.
        Raises `NotFoundError`, and `ConflictError` when the money differs.
        """
        tenant, actor = account.tenant_id, by_account(account.code)
        locked = await self._lock(tx, tenant, report.payment_id)
        payment = await self._find(tx, tenant, report.payment_id)
        if payment.account not in (None, account.code):
            raise NotFoundError(f"payment {report.payment_id}")
        if not is_news(payment, report.status, report.money):
            return
        changed = self._changed(payment, report)
        await store.payments.save(tx, changed)
        await self._publish(tx, locked[payment.item_id], changed, payment.status, actor)
        if changed.status == "paid" and payment.invoice_id is not None:
            await self._win(tx, locked[payment.invoice_id], actor)

    async def _lock(self, tx: Connection, tenant: UUID, id: UUID) -> dict[UUID, Item]:
        """Locks the invoice and the deal, and with them the payment."""
        payment = await self._find(tx, tenant, id)
        return await store.items.lock_all(tx, tenant, {payment.invoice_id or payment.item_id, payment.item_id})

    async def _find(self, tx: Connection, tenant: UUID, id: UUID) -> Payment:
        payment = await store.payments.find(tx, tenant, id)
        if payment is None:
            raise NotFoundError(f"payment {id}")
        return payment

    def _changed(self, payment: Payment, report: PaymentReport) -> Payment:
        now = self._items.clock()
        paid_at = (report.paid_at or now) if report.status == "paid" else payment.paid_at
        return payment.model_copy(
            update={
                "status": report.status,
                "paid_at": paid_at,
                "provider_reference": report.reference,
                "method": report.method,
                "updated_at": now,
            }
        )

    async def _publish(
        self, tx: Connection, item: Item, payment: Payment, previous: PaymentStatus, actor: Actor
    ) -> None:
        data = {"payment_id": str(payment.id), "status": payment.status, "previous": previous}
        await self._items.note(tx, item, "payment", f"{previous} → {payment.status}", actor, dict(data))
        await self._items.publish(tx, item, messages.payment_changed(payment, previous), actor)

    async def _win(self, tx: Connection, invoice: Item, actor: Actor) -> None:
        """An invoice that is paid in full moves to the first won stage of its pipeline, unless it is in one."""
        if not is_settled(invoice.amount, await self._paid(tx, invoice)):
            return
        pipeline = (await store.pipelines.some(tx, invoice.tenant_id, [invoice.pipeline]))[invoice.pipeline]
        present, won = find_stage(pipeline, invoice.stage), first_won(pipeline)
        if won is not None and (present is None or present.outcome != "won"):
            await self._items.move(tx, invoice, Place(pipeline.code, won.code), actor)

    async def _paid(self, tx: Connection, invoice: Item) -> int:
        currency = invoice.amount.currency if invoice.amount else ""
        return await store.payments.paid(tx, invoice.tenant_id, invoice.id, currency)
