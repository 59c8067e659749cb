"""Payments of invoices and deals."""

from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.payments import Payment
from entity_service.store.rows import with_money, without_money


def _payment_of(row: asyncpg.Record) -> Payment:
    return Payment.model_validate(with_money(row))


async def find(tx: Connection, tenant: UUID, id: UUID) -> Payment | None:
    """The payment; it changes only while its invoice and deal are locked."""
    row = await tx.fetchrow("SELECT * FROM payments WHERE tenant_id = $1 AND id = $2", tenant, id)
    return _payment_of(row) if row else None


async def of_item(tx: Connection, tenant: UUID, item: UUID, after: UUID | None, limit: int) -> list[Payment]:
    """Payments for a deal or of an invoice, oldest first."""
    rows = await tx.fetch(
        """SELECT * FROM payments WHERE tenant_id = $1 AND (deal_id = $2 OR invoice_id = $2)
             AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4""",
        tenant,
        item,
        after,
        limit,
    )
    return [_payment_of(row) for row in rows]


async def last(tx: Connection, tenant: UUID, item: UUID) -> Payment | None:
    """The newest one for a deal or of an invoice."""
    row = await tx.fetchrow(
        """SELECT * FROM payments WHERE tenant_id = $1 AND (deal_id = $2 OR invoice_id = $2)
           ORDER BY id DESC LIMIT 1""",
        tenant,
        item,
    )
    return _payment_of(row) if row else None


async def paid(tx: Connection, tenant: UUID, item: UUID, currency: str) -> int:
    """How many minor units of a currency are paid for a deal, or of an invoice."""
    found: int = await tx.fetchval(
        """SELECT coalesce(sum(amount), 0)::bigint FROM payments WHERE tenant_id = $1
             AND (deal_id = $2 OR invoice_id = $2) AND status = 'paid' AND currency = $3""",
        tenant,
        item,
        currency,
    )
    return found


async def is_received_for(tx: Connection, tenant: UUID, item: UUID) -> bool:
    """Whether an invoice has payments that are not pending, or a deal such without an invoice."""
    found: bool = await tx.fetchval(
        """SELECT EXISTS (SELECT FROM payments WHERE tenant_id = $1 AND status <> 'pending'
             AND (invoice_id = $2 OR (deal_id = $2 AND invoice_id IS NULL)))""",
        tenant,
        item,
    )
    return found


async def delete_expected(tx: Connection, tenant: UUID, deal: UUID) -> None:
    """Deletes a deal's payments without an invoice; what is expected of invoices stays with them."""
    await tx.execute("DELETE FROM payments WHERE tenant_id = $1 AND deal_id = $2 AND invoice_id IS NULL", tenant, deal)


async def save(tx: Connection, payment: Payment) -> None:
    await put(tx, "payments", without_money(payment), key=("tenant_id", "id"))
