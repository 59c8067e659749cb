"""Payments of invoices."""

from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from entity_service.domain.payments import Payment
from entity_service.store.rows import with_money


def _payment_of(row: asyncpg.Record) -> Payment:
    return Payment.model_validate(with_money(row))


async def find(tx: Connection, tenant: UUID, id: UUID) -> Payment | None:
    """The payment; it changes only while its invoice and deal are locked."""
    row = await tx.fetchrow("SELECT * FROM payments WHERE tenant_id = $1 AND id = $2", tenant, id)
    return _payment_of(row) if row else None


async def of_item(tx: Connection, tenant: UUID, item: UUID) -> list[Payment]:
    """Payments for a deal or of an invoice, oldest first."""
    rows = await tx.fetch(
        "SELECT * FROM payments WHERE tenant_id = $1 AND (deal_id = $2 OR invoice_id = $2) ORDER BY id", tenant, item
    )
    return [_payment_of(row) for row in rows]


async def put(tx: Connection, payment: Payment) -> None:
    await tx.execute(
        """INSERT INTO payments (tenant_id, id, invoice_id, deal_id, status, amount, currency, paid_at,
               provider_reference, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           ON CONFLICT (tenant_id, id) DO UPDATE
           SET status = $5, paid_at = $8, provider_reference = $9, updated_at = $11""",
        payment.tenant_id,
        payment.id,
        payment.invoice_id,
        payment.deal_id,
        payment.status,
        payment.amount.amount,
        payment.amount.currency,
        payment.paid_at,
        payment.provider_reference,
        payment.created_at,
        payment.updated_at,
    )
