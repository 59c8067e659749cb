"""PostgreSQL: transactions that see only their tenants' rows, and migrations.

Row-level security is the second wall behind the `WHERE tenant_id = $1` of every statement: policies compare `tenant_id`
with the setting `app.tenants`, which only `transaction()` sets, and a missing setting is an error. The tables that
delivery works on across tenants (outbox, inbox, work) have no policy and belong to the role `<service>_delivery`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction

from contracts.kit.errors import WrongArgumentsError
from contracts.kit.settings import ServiceSettings

type Pool = asyncpg.Pool[asyncpg.Record]
type OwnConnection = asyncpg.Connection[asyncpg.Record]
type Connection = PoolConnectionProxy[asyncpg.Record] | OwnConnection

TIMEOUTS = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "20s",
    "transaction_timeout": "30s",
    "statement_timeout": "10s",
}
"""All below the callers' own time-outs, so that PostgreSQL gives up before its callers do."""
ANSWER_S = 15
"""Longer than any statement may take: a connection that is silent for so long is broken."""

ROLLBACK_S = 5

# Errors of a PostgreSQL that is away, restarting or overloaded; consumers wait them out and dead-letter nothing.
INFRASTRUCTURE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended between two statements
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,  # a migration of a newer version has changed a table; it is prepared anew
)


class Database:
    """A service's database: one pool as `<service>_app`, a small one as `<service>_delivery`."""

    def __init__(self, settings: ServiceSettings, *, service: str) -> None:
        self._dsn = settings.database_url.get_secret_value()
        self._password = settings.database_password
        self._size = settings.database_pool
        self._role = service.replace("-", "_")
        self._pool: Pool | None = None
        self._delivery: Pool | None = None
        self._on_commit: list[Callable[[], None]] = []

    def on_commit(self, call: Callable[[], None]) -> None:
        """Calls `call` after every commit of `transaction()`; it must be quick and must not raise."""
        self._on_commit.append(call)

    async def open(self) -> None:
        """Raises what the driver raises when PostgreSQL is away; may be tried again then."""
        await self.close()
        self._pool = await self._create_pool(self._size, f"{self._role}_app")
        self._delivery = await self._create_pool(3, f"{self._role}_delivery")

    async def close(self) -> None:
        pools, self._pool, self._delivery = (self._pool, self._delivery), None, None
        for pool in pools:
            if pool is not None:
                await pool.close()

    async def _create_pool(self, size: int, role: str) -> Pool:
        return await asyncpg.create_pool(
            self._dsn,
            password=self._password,
            min_size=1,
            max_size=size,
            init=_teach_json,
            command_timeout=ANSWER_S,
            timeout=10,
            server_settings={**TIMEOUTS, "role": role},
        )

    @asynccontextmanager
    async def transaction(self, *tenants: UUID) -> AsyncGenerator[Connection]:
        """One transaction that sees the rows of `tenants` only; commits at its end."""
        afterwards: list[Callable[[], None]] = []
        outer = _afterwards.set(afterwards)
        try:
            async with _in_transaction(self._pool) as connection:
                await connection.execute("SELECT set_config('app.tenants', $1, true)", _array(tenants))
                yield connection
        finally:
            _afterwards.reset(outer)
        for call in (*afterwards, *self._on_commit):
            call()

    @asynccontextmanager
    async def delivery(self) -> AsyncGenerator[Connection]:
        """One transaction as the delivery role: outbox, inbox, work and other tables without payload, all tenants."""
        async with _in_transaction(self._delivery) as connection:
            yield connection

    async def delivery_connection(self) -> OwnConnection:
        """A connection of its own as the delivery role, for session locks and LISTEN; the caller closes it.

        PostgreSQL ends it, and frees its locks, when it receives nothing for half a minute: its process may have died.
        """
        settings = {**TIMEOUTS, "role": f"{self._role}_delivery", "idle_session_timeout": "30s"}
        connection = await asyncpg.connect(
            self._dsn, password=self._password, server_settings=settings, timeout=10, command_timeout=ANSWER_S
        )
        await _teach_json(connection)
        return connection

    async def ping(self) -> None:
        """Raises what the pool raises when PostgreSQL does not answer within two seconds."""
        async with asyncio.timeout(2), _opened(self._pool).acquire(timeout=2) as connection:
            await connection.fetchval("SELECT 1")


_afterwards: ContextVar[list[Callable[[], None]] | None] = ContextVar("afterwards", default=None)


def after_commit(call: Callable[[], None]) -> None:
    """Calls `call` when the present `transaction()` has committed, never if it fails; at once outside of one.

    For metrics and logs; it runs with the present trace and ids. It must be quick and must not raise.
    """
    afterwards = _afterwards.get()
    if afterwards is None:
        call()
    else:
        afterwards.append(partial(copy_context().run, call))


@asynccontextmanager
async def savepoint(tx: Connection) -> AsyncGenerator[None]:
    """Inside of a transaction: rolls back what was written, and drops `after_commit` calls, when it raises."""
    afterwards = _afterwards.get()
    before = len(afterwards or ())
    try:
        async with tx.transaction():
            yield
    except BaseException as error:
        if afterwards is not None:
            del afterwards[before:]
        if isinstance(error, asyncpg.InterfaceError) and _blames_arguments(error):
            raise WrongArgumentsError(str(error)) from error
        raise


@asynccontextmanager
async def _in_transaction(pool: Pool | None) -> AsyncGenerator[Connection]:
    try:
        async with _opened(pool).acquire(timeout=10) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except BaseException:
                await _roll_back(connection, transaction)
                raise
            await transaction.commit()
    except asyncpg.InterfaceError as error:
        if _blames_arguments(error):
            raise WrongArgumentsError(str(error)) from error
        raise


def _blames_arguments(error: asyncpg.InterfaceError) -> bool:
    """The driver raises the same class for a lost connection and for arguments that it cannot send."""
    return isinstance(error, ValueError) or "the server expects" in str(error)


async def _roll_back(connection: Connection, transaction: Transaction) -> None:
    """The driver would wait for ever for a connection that went silent in the middle of a statement."""
    try:
        async with asyncio.timeout(ROLLBACK_S):
            await transaction.rollback()
    except INFRASTRUCTURE_ERRORS:
        connection.terminate()


def _opened(pool: Pool | None) -> Pool:
    if pool is None:
        raise asyncpg.InterfaceError("the database is not open yet")
    return pool


def _array(tenants: tuple[UUID, ...]) -> str:
    return "{" + ",".join(str(tenant) for tenant in tenants) + "}"


async def _teach_json(connection: OwnConnection) -> None:
    """`json` and `jsonb` columns are Python values on both sides."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_to_json, decoder=orjson.loads)


def _to_json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def policies(*tables: str) -> str:
    """SQL that binds tables with a `tenant_id uuid` column to the tenants of the transaction."""
    return "\n".join(
        f"""ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));"""
        for table in tables
    )


def run_sql(sql: str) -> None:
    """Runs a text of several statements inside a revision; the driver itself takes one prepared statement at a time."""
    from alembic import op
    from sqlalchemy.util import await_only

    connection = op.get_bind().connection.driver_connection
    await_only(connection.execute(sql))  # type: ignore[union-attr]


MIGRATION_LOCK = 7_305_001
"""The advisory lock that keeps two `migrate` commands apart."""


def migrate(settings: ServiceSettings, migrations: Path) -> None:
    """Brings the schema to the newest revision in `migrations`; run again, or by two at once, it changes no more."""
    from alembic import command
    from alembic.config import Config

    if settings.database_owner_url is None:
        raise SystemExit("migrate: set DATABASE_OWNER_URL to the DSN of the role that owns the tables")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(migrations))
    config.set_main_option("path_separator", "os")
    dsn, password = settings.database_owner_url.get_secret_value(), settings.database_password
    config.attributes["connect"] = lambda: asyncpg.connect(dsn, password=password)
    command.upgrade(config, "head")


__all__ = [
    "INFRASTRUCTURE_ERRORS",
    "Connection",
    "Database",
    "after_commit",
    "migrate",
    "policies",
    "run_sql",
    "savepoint",
]
