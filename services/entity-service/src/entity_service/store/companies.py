"""Companies of clients."""

from uuid import UUID

import asyncpg

from contracts.contexts import CompanyContext
from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.store.addresses import AddressFilter, columns_of, first_ones
from entity_service.store.my_companies import dumped


def company_of(row: asyncpg.Record) -> CompanyContext:
    return CompanyContext.model_validate({**first_ones(row), **dict(row)})


async def find(tx: Connection, tenant: UUID, id: UUID) -> CompanyContext | None:
    """The company, which nobody else changes until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM companies WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
    return company_of(row) if row else None


async def save(tx: Connection, tenant: UUID, company: CompanyContext) -> None:
    """Creates or replaces."""
    row = {
        "tenant_id": tenant,
        "id": company.id,
        "title": company.title,
        **columns_of(company),
        "address": company.address,
        "tax_number": company.tax_number,
        "requisites": dumped(company.requisites),
    }
    await put(tx, "companies", row, key=("tenant_id", "id"))


async def search(
    tx: Connection, tenant: UUID, wanted: AddressFilter, before: UUID | None, limit: int
) -> list[CompanyContext]:
    """At most `limit`, newest first; with an address only those that have it."""
    rows = await tx.fetch(
        """SELECT * FROM companies WHERE tenant_id = $1 AND ($2::jsonb IS NULL OR phones @> $2)
           AND ($3::jsonb IS NULL OR emails @> $3) AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5""",
        tenant,
        *wanted.values(),
        before,
        limit,
    )
    return [company_of(row) for row in rows]
