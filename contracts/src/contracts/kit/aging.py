"""Deleting rows that are older than they are kept, in bounded batches, so that no transaction holds many of them."""

from datetime import timedelta

from contracts.kit.database import Database

BATCH = 10_000


async def forget_older(database: Database, table: str, key: str, since: str, days: int) -> int:
    """Deletes rows of a table that are older by its column `since`, and returns how many; `key` are the key's columns.

    The names are from our own code.
    """
    statement = f"""DELETE FROM {table} WHERE ({key}) IN (
        SELECT {key} FROM {table} WHERE {since} < now() - $1::interval ORDER BY {since} LIMIT $2)"""  # noqa: S608
    deleted, batch = 0, BATCH
    while batch == BATCH:
        async with database.delivery() as tx:
            done = await tx.execute(statement, timedelta(days=days), BATCH)
        batch = int(done.split()[-1])
        deleted += batch
    return deleted
