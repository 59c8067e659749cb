"""Product rows of items."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from contracts.contexts import ProductContext
from contracts.kit.database import Connection
from contracts.values import Money


def product_of(row: asyncpg.Record) -> ProductContext:
    currency = row["currency"]
    return ProductContext(
        name=row["name"],
        quantity=row["quantity"],
        unit=row["unit"],
        price=Money(amount=row["price"], currency=currency),
        discount_percent=row["discount_percent"],
        tax_percent=row["tax_percent"],
        net=Money(amount=row["net"], currency=currency),
        total=Money(amount=row["total"], currency=currency),
    )


async def of_item(tx: Connection, tenant: UUID, item: UUID) -> list[ProductContext]:
    rows = await tx.fetch(
        "SELECT * FROM products WHERE tenant_id = $1 AND item_id = $2 ORDER BY position", tenant, item
    )
    return [product_of(row) for row in rows]


async def replace(tx: Connection, tenant: UUID, item: UUID, rows: Sequence[ProductContext]) -> None:
    """Writes all rows of an item that is locked."""
    await tx.execute("DELETE FROM products WHERE tenant_id = $1 AND item_id = $2", tenant, item)
    await tx.executemany(
        """INSERT INTO products (tenant_id, item_id, position, name, quantity, unit, price, currency,
               discount_percent, tax_percent, net, total)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        [
            (
                tenant,
                item,
                position,
                row.name,
                row.quantity,
                row.unit,
                row.price.amount,
                row.price.currency,
                row.discount_percent,
                row.tax_percent,
                row.net.amount,
                row.total.amount,
            )
            for position, row in enumerate(rows)
        ],
    )
