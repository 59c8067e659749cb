"""Payments of invoices."""

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


async def is_received_for(tx: Connection, tenant: UUID, invoice: UUID) -> bool:
    """Whether an invoice has payments that are not pending."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM payments WHERE tenant_id = $1 AND invoice_id = $2 AND status <> 'pending')",
        tenant,
        invoice,
    )
    return found


async def save(tx: Connection, payment: Payment) -> None:
    await put(tx, "payments", without_money(payment), key=("tenant_id", "id"))
