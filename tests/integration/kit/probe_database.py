"""One migrated database for many tests: it takes a name of its own for each and is as empty as on its first day.

Making a database takes a second of two processors, a new name some milliseconds.
"""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
from pydantic import SecretStr

from contracts.kit.database import migrate
from contracts.kit.settings import ServiceSettings
from local_stack.databases import Database, create_database, drop_database
from support.service_environment import dsn_of, run_sql

_TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'"""


class ProbeDatabase:
    """The database and the three roles of a service that is called otherwise in every test."""

    def __init__(self, postgres: str, database: Database, tables: frozenset[str]) -> None:
        self._postgres = postgres
        self._database = database
        self._tables = tables

    @classmethod
    async def create(cls, postgres: str) -> "ProbeDatabase":
        database = await create_database(postgres, _unused_name())
        await migrate_probe(database)
        return cls(postgres, database, await _tables(dsn_of(postgres, database.name)))

    async def renew(self) -> Database:
        """Gives it an unused name and takes out what a test left; what that test has left open is closed."""
        new = _unused_name().replace("-", "_")
        connection = await asyncpg.connect(self._postgres)
        try:
            old = self._database.name
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", old)
            await connection.execute(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
            for role in ("owner", "app", "delivery"):
                await connection.execute(f"ALTER ROLE {old}_{role} RENAME TO {new}_{role}")
        finally:
            await connection.close()
        self._database = await create_database(self._postgres, new)  # there it is; its roles get their passwords
        await self._empty(dsn_of(self._postgres, new))
        return self._database

    async def remove(self) -> None:
        await drop_probe(self._postgres, self._database.name)

    async def _empty(self, dsn: str) -> None:
        tables = await _tables(dsn)
        for more in tables - self._tables:
            await run_sql(dsn, f'DROP TABLE "{more}"')
        assert tables >= self._tables, "a test took a table away: it needs a database of its own"
        await run_sql(dsn, f"TRUNCATE {', '.join(sorted(self._tables))} RESTART IDENTITY")


async def migrate_probe(database: Database) -> None:
    """Makes the probe's tables."""
    settings = ServiceSettings(
        database_url=SecretStr(database.app_url),
        database_owner_url=SecretStr(database.owner_url),
        kafka_bootstrap="localhost:1",
        auth_issuer="unused",
        auth_audience="unused",
    )
    await asyncio.to_thread(migrate, settings, Path(__file__).parent / "migrations")


async def drop_probe(postgres: str, name: str) -> None:
    """Drops a probe's database and its roles."""
    await drop_database(postgres, name)
    await run_sql(postgres, f"DROP ROLE {name}_owner, {name}_app, {name}_delivery")


async def _tables(dsn: str) -> frozenset[str]:
    return frozenset(row["relname"] for row in await run_sql(dsn, _TABLES))


def _unused_name() -> str:
    return f"probe-{uuid4().hex[:12]}"
