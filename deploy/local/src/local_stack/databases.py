"""A service's database and its three roles.

The owner runs the migrations; the app role is what the service connects as, bound by row-level security;
the app role may become the delivery role, which owns nothing but outbox, inbox and the like, by `SET ROLE` only.
Roles belong to the cluster, so several databases of one service (tests make many) share them.
"""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_LOCK = 7_051_903  # any number: it serialises those who create roles at the same time


@dataclass(frozen=True)
class Database:
    """Where a service's database is: as its owner (for `migrate`) and as the service."""

    name: str
    owner_url: str
    app_url: str


def describe_database(admin_dsn: str, service: str, name: str | None = None) -> Database:
    """The database of `service` (`entity-service`) in that cluster; `name` defaults to `entity_service`."""
    base = service.replace("-", "_")
    name = name or base
    return Database(
        name=name,
        owner_url=_url(admin_dsn, f"{base}_owner", name),
        app_url=_url(admin_dsn, f"{base}_app", name),
    )


async def create_database(admin_dsn: str, service: str, name: str | None = None) -> Database:
    """Makes the roles and the database if they are missing. Doing it again changes nothing."""
    database = describe_database(admin_dsn, service, name)
    base = service.replace("-", "_")
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _create_roles(connection, admin_dsn, base)
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database.name):
            await connection.execute(f'CREATE DATABASE "{database.name}" OWNER {base}_owner')
            await connection.execute(f'REVOKE ALL ON DATABASE "{database.name}" FROM PUBLIC')
            await connection.execute(f'GRANT CONNECT ON DATABASE "{database.name}" TO {base}_app')
    finally:
        await connection.close()
    return database


async def drop_database(admin_dsn: str, name: str) -> None:
    """Ends the connections to the database and drops it; the roles stay."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


async def _create_roles(connection: asyncpg.Connection, admin_dsn: str, base: str) -> None:
    for role in (f"{base}_owner", f"{base}_app", f"{base}_delivery"):
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS")
    for role in (f"{base}_owner", f"{base}_app"):
        await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{_password(admin_dsn, role)}'")
    await connection.execute(f"GRANT {base}_delivery TO {base}_app WITH INHERIT FALSE, SET TRUE")


def _url(admin_dsn: str, role: str, name: str) -> str:
    parts = urlsplit(admin_dsn)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{_password(admin_dsn, role)}@{address}", path=f"/{name}"))


def _password(admin_dsn: str, role: str) -> str:
    """Derived from the superuser's, so that nothing needs to be kept and every cluster has its own."""
    secret = urlsplit(admin_dsn).password or ""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]
