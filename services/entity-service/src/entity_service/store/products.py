"""Product rows of items."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from contracts.contexts import ProductContext
from contracts.kit.database import Connection
from contracts.kit.rows import insert
from contracts.values import Money


def product_of(row: asyncpg.Record) -> ProductContext:
    values, currency = dict(row), row["currency"]
    amounts = {name: Money(amount=row[name], currency=currency) for name in ("price", "net", "total")}
    return ProductContext.model_validate(values | amounts)


async def of_item(tx: Connection, tenant: UUID, item: UUID) -> list[ProductContext]:
    rows = await tx.fetch(
        "SELECT * FROM products WHERE tenant_id = $1 AND item_id = $2 ORDER BY position", tenant, item
    )
    return [product_of(row) for row in rows]


async def replace(tx: Connection, tenant: UUID, item: UUID, rows: Sequence[ProductContext]) -> None:
    """Writes all rows of an item that is locked."""
    await tx.execute("DELETE FROM products WHERE tenant_id = $1 AND item_id = $2", tenant, item)
    await insert(
        tx,
        "products",
        *({"tenant_id": tenant, "item_id": item, "position": at, **_columns(row)} for at, row in enumerate(rows)),
    )


def _columns(row: ProductContext) -> dict[str, Any]:
    amounts = {"price": row.price.amount, "net": row.net.amount, "total": row.total.amount}
    return {**dict(row), **amounts, "currency": row.price.currency}
