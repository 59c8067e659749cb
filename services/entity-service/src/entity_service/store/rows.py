"""How columns become the contracts' values, and values columns."""

from typing import Any

import asyncpg
from pydantic import BaseModel

from contracts.values import Money


def with_money(row: asyncpg.Record) -> dict[str, Any]:
    """The row's columns with `amount` and `currency` as one value."""
    values = dict(row)
    currency = values.pop("currency")
    if row["amount"] is not None:
        values["amount"] = Money(amount=row["amount"], currency=currency)
    return values


def without_money(record: BaseModel) -> dict[str, Any]:
    """The record's columns, with its `amount` as the two that it has."""
    values = dict(record)
    amount: Money | None = values["amount"]
    return values | {"amount": amount and amount.amount, "currency": amount and amount.currency}
