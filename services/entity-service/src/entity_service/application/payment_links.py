"""Links at which clients pay, asked of the tenant's payment provider."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue

from contracts.kit.database import Connection
from contracts.messages.payment_commands import CreatePaymentLink, ReadPayment
from contracts.values import Money
from entity_service import messages, store
from entity_service.application.accounts import Accounts
from entity_service.application.items import Items
from entity_service.domain.accounts import Answer, Question, Request
from entity_service.domain.errors import ConflictError, NotFoundError
from entity_service.domain.items import Item
from entity_service.domain.payments import Payment, total_due
from entity_service.messages import Actor, callback


class PaymentLinks:
    """Expects payments and gets links for them. `base` is where providers reach this service."""

    def __init__(self, items: Items, accounts: Accounts, base: str) -> None:
        self._items = items
        self._accounts = accounts
        self._base = base

    async def expect(
        self, tx: Connection, item: Item, wanted: CreatePaymentLink, command: UUID, actor: Actor
    ) -> Payment:
        """A payment for a locked deal or of a locked invoice, pending; the command is answered with its link.

        Raises `InvalidError` without a usable account, and `ConflictError` when nothing is due.
        """
        account = await self._accounts.usable(tx, item.tenant_id, "payment", wanted.account)
        payment = await self._pending(tx, item, wanted, account.code)
        await store.payments.save(tx, payment)
        await self._accounts.request(tx, account, command, "create_payment_link", payment.id)
        await self._items.publish(tx, item, messages.payment_changed(payment, None), actor)
        return payment

    async def _pending(self, tx: Connection, item: Item, wanted: CreatePaymentLink, account: str) -> Payment:
        now = self._items.clock()
        if wanted.expires_at <= now:
            raise ConflictError("the link would end before it is made: let it expire later")
        amount = wanted.amount or await self._due(tx, item)
        if amount.amount <= 0:
            raise ConflictError("the amount to be paid is not positive")
        invoice = item.id if item.kind == "invoice" else None
        return Payment(
            tenant_id=item.tenant_id,
            id=self._items.new_id(),
            invoice_id=invoice,
            deal_id=await self._deal_of(tx, item) if invoice else item.id,
            status="pending",
            amount=amount,
            account=account,
            expires_at=wanted.expires_at,
            created_at=now,
            updated_at=now,
        )

    async def _due(self, tx: Connection, item: Item) -> Money:
        currency = item.amount.currency if item.amount else ""
        return total_due(item.amount, await store.payments.paid(tx, item.tenant_id, item.id, currency))

    async def _deal_of(self, tx: Connection, invoice: Item) -> UUID | None:
        """The deal that the invoice was made for."""
        return next(iter(await store.links.linked(tx, invoice.tenant_id, invoice.id, "invoice", "deal")), None)

    async def read(self, tx: Connection, item: Item, wanted: ReadPayment) -> Payment:
        """Raises `NotFoundError`; a payment of another item is none of this one."""
        if wanted.payment_id is None:
            found = await store.payments.last(tx, item.tenant_id, item.id)
        else:
            found = await store.payments.find(tx, item.tenant_id, wanted.payment_id)
        if found is None or item.id not in (found.deal_id, found.invoice_id):
            raise NotFoundError(f"payment {wanted.payment_id} of the item" if wanted.payment_id else "payment")
        return found

    async def question(self, tx: Connection, request: Request) -> Question | None:
        """Null when the payment was deleted with its item."""
        payment = await store.payments.find(tx, request.tenant, request.subject_id)
        if payment is None or payment.account is None or payment.expires_at is None:
            return None
        item = await store.items.find(tx, request.tenant, payment.item_id)
        account = await store.accounts.find(tx, request.tenant, "payment", payment.account)
        if item is None or account is None:
            return None
        body: dict[str, JsonValue] = {
            "payment_id": str(payment.id),
            "amount": payment.amount.amount,
            "currency": payment.amount.currency,
            "description": item.title,
            "expires_at": payment.expires_at.isoformat(),
            "callback_url": callback(self._base, account),
        }
        return Question(account, "payments", str(payment.id), body)

    async def answered(self, tx: Connection, request: Request, answer: Answer) -> Mapping[str, JsonValue]:
        """Keeps the link. Raises `NotFoundError`, and `ConflictError` when the provider gave none."""
        item, payment = await self._lock(tx, request)
        if answer.link is None:
            raise ConflictError("the payment provider gave no link")
        now = self._items.clock()
        linked = payment.model_copy(update={"link": answer.link, "updated_at": now})
        await store.payments.save(tx, linked)
        text = f"a link was made to pay {payment.amount.currency} {payment.amount.amount} (minor units)"
        data: dict[str, JsonValue] = {"payment_id": str(payment.id), "link": answer.link}
        await self._items.note(tx, item, "payment", text, by_account(payment.account), data)
        return {"payment_id": str(payment.id), "link": answer.link}

    async def refused(self, tx: Connection, request: Request, reason: str) -> None:
        """The payment failed, unless it was paid all the same. Raises `NotFoundError`."""
        item, payment = await self._lock(tx, request)
        if payment.status != "pending":
            return
        failed = payment.model_copy(update={"status": "failed", "updated_at": self._items.clock()})
        await store.payments.save(tx, failed)
        actor = by_account(payment.account)
        await self._items.note(
            tx, item, "payment", f"pending → failed: {reason}", actor, {"payment_id": str(failed.id)}
        )
        await self._items.publish(tx, item, messages.payment_changed(failed, "pending"), actor)

    async def _lock(self, tx: Connection, request: Request) -> tuple[Item, Payment]:
        payment = await store.payments.find(tx, request.tenant, request.subject_id)
        if payment is None:
            raise NotFoundError(f"payment {request.subject_id}")
        item = await self._items.lock(tx, request.tenant, payment.item_id)
        again = await store.payments.find(tx, request.tenant, request.subject_id)
        if again is None:
            raise NotFoundError(f"payment {request.subject_id}")
        return item, again


def by_account(code: str | None) -> Actor:
    return Actor(by=f"payment-account:{code}", origin="intake")
