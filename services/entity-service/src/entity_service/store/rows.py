"""How columns become the contracts' values."""

from typing import Any

import asyncpg

from contracts.values import Money


def with_money(row: asyncpg.Record) -> dict[str, Any]:
    """The row's columns with `amount` and `currency` as one value."""
    values = dict(row)
    currency = values.pop("currency")
    if row["amount"] is not None:
        values["amount"] = Money(amount=row["amount"], currency=currency)
    return values
