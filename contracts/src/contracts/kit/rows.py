"""Statements that follow from the names of columns, so that a column is written once, where the row is made."""

from collections.abc import Collection, Mapping
from typing import Any

from contracts.kit.database import Connection

type Row = Mapping[str, Any]
"""A row by the names of its columns, which come from code, never from a request."""


async def insert(tx: Connection, table: str, *rows: Row) -> None:
    """Adds rows, all with the columns of the first one."""
    if rows:
        names = tuple(rows[0])
        await tx.executemany(_insert(table, names), [tuple(row[name] for name in names) for row in rows])


async def put(tx: Connection, table: str, row: Row, *, key: Collection[str], kept: Collection[str] = ()) -> None:
    """Adds a row, or replaces the one with its `key`, apart from the columns that are `kept`."""
    changed = [name for name in row if name not in key and name not in kept]
    values = ", ".join(f"{name} = excluded.{name}" for name in changed)
    await tx.execute(
        f"{_insert(table, tuple(row))} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {values}", *row.values()
    )


async def update(tx: Connection, table: str, row: Row, *, key: Collection[str]) -> None:
    """Writes all columns of the row with this `key`."""
    changed = [name for name in row if name not in key]
    values = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, start=1))
    where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(key, start=len(changed) + 1))
    await tx.execute(
        f"UPDATE {table} SET {values} WHERE {where}",  # noqa: S608 - names from code
        *(row[name] for name in (*changed, *key)),
    )


def _insert(table: str, names: tuple[str, ...]) -> str:
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - names from code
