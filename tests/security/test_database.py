"""Row-level security is the second wall: it holds for every table of every service that knows of tenants."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from local_stack.addresses import SERVICES
from security.running_stack import TABLES_WITH_TENANTS, RunningStack
from security.seeded_tenant import SeededTenant

WORK = {
    "attempts",
    "created_at",
    "due_at",
    "id",
    "kind",
    "last_error",
    "lease",
    "leased_until",
    "lost",
    "run_at",
    "tenant_id",
    "traceparent",
}
WITHOUT_POLICY: dict[str, dict[str, set[str]]] = {
    "entity-service": {
        "work": WORK,
        "feed_tokens": {"tenant_id", "token_hash"},
        "account_tokens": {"tenant_id", "token_hash"},
    },
    "rule-engine": {
        "work": WORK,
        "timers": {
            "failures",
            "generation",
            "has_execution",
            "run_id",
            "scheduled_generation",
            "tenant_id",
            "wake_at",
        },
        "command_deadlines": {"ask_again_at", "command_id", "tenant_id"},
    },
    "doc-service": {"work": WORK, "link_tokens": {"tenant_id", "token_hash"}},
    "comms-service": {"work": WORK, "message_tenants": {"message_id", "tenant"}},
    "trigger-service": {"work": WORK, "public_addresses": {"code", "kind", "owner_tenant", "token_hash"}},
}
"""Tables that are read across tenants, or before the tenant is known, with all their columns: none has a payload."""

POLICIES = """SELECT c.relname,
        c.relrowsecurity AND c.relforcerowsecurity AND count(p.*) = 1 AND bool_and(p.polcmd = '*' AND p.polpermissive
        AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.tenants%') AS bound
    FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
        AND NOT p.polroles <@ ARRAY[$2::regrole::oid, c.relowner]
    WHERE c.relname = ANY ($1) AND c.relnamespace = 'public'::regnamespace
    GROUP BY c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity"""
"""Beside what is for the delivery role or the owner alone, who serve no request of people."""
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1"
ROLES = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname LIKE $1"
OWNED = """SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND r.rolname <> $1"""

each_service = pytest.mark.parametrize("service", SERVICES)


async def tables(database: asyncpg.Connection) -> list[str]:
    return [table for table, _ in await database.fetch(TABLES_WITH_TENANTS)]


@each_service
async def test_every_table_that_knows_of_tenants_has_a_forced_policy_or_is_known_to_have_none(
    running_stack: RunningStack, service: str
) -> None:
    database = running_stack.databases[service]
    rows = await database.fetch(POLICIES, await tables(database), f"{service.replace('-', '_')}_delivery")
    unbound = [row["relname"] for row in rows if not row["bound"]]
    columns = {table: {row["column_name"] for row in await database.fetch(COLUMNS, table)} for table in unbound}
    assert columns == WITHOUT_POLICY[service]


@each_service
async def test_no_role_of_a_service_is_above_the_policies(running_stack: RunningStack, service: str) -> None:
    base = service.replace("-", "_")
    found = {row[0]: tuple(row)[1:] for row in await running_stack.databases[service].fetch(ROLES, f"{base}\\_%")}
    assert found == {f"{base}_{role}": (False, False, False, False) for role in ("app", "delivery", "owner")}
    assert await running_stack.databases[service].fetch(OWNED, f"{base}_owner") == []


@pytest_asyncio.fixture
async def app(running_stack: RunningStack, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the service itself has it."""
    connection = await asyncpg.connect(running_stack.service_environment[service].database.app_url)
    yield connection
    await connection.close()


@each_service
async def test_without_a_tenant_a_service_reads_nothing(
    running_stack: RunningStack, service: str, app: asyncpg.Connection
) -> None:
    for table in set(await tables(running_stack.databases[service])) - WITHOUT_POLICY[service].keys():
        with pytest.raises(asyncpg.UndefinedObjectError, match=r"app\.tenants"):
            await app.fetch(f"SELECT * FROM {table}")  # noqa: S608 - a name from the catalogue


@each_service
async def test_in_another_tenants_name_a_service_reads_nothing_even_without_a_condition(
    seeded_tenant: SeededTenant, service: str, app: asyncpg.Connection
) -> None:
    database, seen, there = seeded_tenant.running_stack.databases[service], 0, 0
    bound = set(await tables(database)) - WITHOUT_POLICY[service].keys()
    await app.execute(f"SET app.tenants = '{{{uuid4()}}}'")
    for table in bound:
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - a name from the catalogue
        there += await database.fetchval(count)
        seen += await app.fetchval(count)
    assert seen == 0
    assert there > 0


@each_service
async def test_a_service_cannot_read_what_it_has_put_into_its_outbox(
    running_stack: RunningStack, service: str, app: asyncpg.Connection
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetch("SELECT value FROM outbox")
