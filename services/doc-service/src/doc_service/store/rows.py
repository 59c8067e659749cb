"""How rows become the domain's values, and values rows."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def row_of(record: "DataclassInstance") -> dict[str, Any]:
    """The columns of a tenant's record."""
    values = asdict(record)
    return {"tenant_id": values.pop("tenant"), **values}


def pick(row: asyncpg.Record, names: str) -> dict[str, Any]:
    return {name: row[name] for name in names.split()}
