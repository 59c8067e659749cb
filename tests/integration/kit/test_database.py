"""Row-level security and grants: the second wall, tried from the inside."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from contracts.kit.database import Database, migrate
from contracts.kit.errors import WrongArgumentsError
from contracts.kit.settings import ServiceSettings
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, add_note

APP_MAY = {
    "outbox": {"INSERT"},
    "inbox": {"INSERT"},
    "work": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "commands": {"SELECT", "INSERT", "UPDATE"},
    "idempotency_keys": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "dead_letters": {"SELECT", "UPDATE"},
    "remembered_messages": {"SELECT", "INSERT"},
    "quotas": {"SELECT", "INSERT"},
    "configuration_changes": {"SELECT", "INSERT"},
}
DELIVERY_MAY = {
    "outbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "inbox": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "work": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "idempotency_keys": {"DELETE"},
    "dead_letters": {"SELECT", "INSERT", "UPDATE"},
    "dead_letter_actions": {"SELECT", "INSERT", "UPDATE"},
    "remembered_messages": {"SELECT", "INSERT"},
    "configuration_changes": {"DELETE"},
}


@pytest.fixture
async def database(harness: Harness) -> AsyncIterator[Database]:
    opened = harness.service().database
    await opened.open()
    async with opened.transaction(TENANT, OTHER_TENANT) as tx:
        await add_note(tx, TENANT, "ours")
        await add_note(tx, OTHER_TENANT, "theirs")
    yield opened
    await opened.close()


@pytest.mark.invariant(11)
async def test_a_transaction_reads_the_rows_of_its_tenants_only(database: Database) -> None:
    async with database.transaction(TENANT) as tx:
        assert [row["text"] for row in await tx.fetch("SELECT text FROM notes")] == ["ours"]
    async with database.transaction(TENANT, OTHER_TENANT) as tx:
        assert await tx.fetchval("SELECT count(*) FROM notes") == 2
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM notes") == 0


@pytest.mark.invariant(11)
async def test_a_transaction_cannot_write_for_another_tenant(database: Database, harness: Harness) -> None:
    async with database.transaction(TENANT) as tx:
        assert await tx.execute("UPDATE notes SET text = 'taken'") == "UPDATE 1"
        assert await tx.execute("DELETE FROM notes WHERE tenant_id = $1", OTHER_TENANT) == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.transaction(TENANT) as tx:
            await add_note(tx, OTHER_TENANT, "smuggled")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.transaction(TENANT) as tx:
            await tx.execute("UPDATE notes SET tenant_id = $1", OTHER_TENANT)
    assert (await harness.notes(), await harness.notes(OTHER_TENANT)) == (["taken"], ["theirs"])


async def test_without_tenants_set_every_access_is_an_error(database: Database, harness: Harness) -> None:
    connection = await asyncpg.connect(harness.settings.database_url.get_secret_value())
    with pytest.raises(asyncpg.UndefinedObjectError, match=r"app\.tenants"):
        await connection.fetch("SELECT * FROM notes")
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenants', $1, true)", f"{{{TENANT}}}")
        assert len(await connection.fetch("SELECT * FROM notes")) == 1
    with pytest.raises(asyncpg.InvalidTextRepresentationError):  # the setting is empty now: of the transaction only
        await connection.fetch("SELECT * FROM notes")
    await connection.close()


async def test_not_even_the_owner_of_the_tables_is_above_the_policies(harness: Harness, database: Database) -> None:
    assert harness.settings.database_owner_url is not None
    connection = await asyncpg.connect(harness.settings.database_owner_url.get_secret_value())
    with pytest.raises(asyncpg.UndefinedObjectError, match=r"app\.tenants"):
        await connection.fetch("SELECT * FROM notes")
    await connection.close()


async def test_roles_may_do_with_the_delivery_tables_what_they_were_granted_and_no_more(harness: Harness) -> None:
    base = harness.name.replace("-", "_")
    assert await _privileges(harness, f"{base}_app") == APP_MAY | {"notes": {"SELECT", "INSERT", "UPDATE", "DELETE"}}
    assert await _privileges(harness, f"{base}_delivery") == DELIVERY_MAY


async def test_the_service_cannot_read_its_outbox_nor_delivery_its_tenants_rows(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(TENANT) as tx:
            await tx.fetch("SELECT * FROM outbox")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(TENANT) as tx:
            await tx.fetch("SELECT keep_inbox_days(1)")
    async with database.delivery() as tx:
        await tx.execute("SELECT set_config('app.tenants', $1, true)", f"{{{TENANT}}}")
        for table in ("notes", "commands", "idempotency_keys"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tx.transaction():
                    await tx.fetch(f"SELECT * FROM {table}")  # noqa: S608


async def test_nothing_connects_as_a_superuser_or_past_the_policies(harness: Harness) -> None:
    base = harness.name.replace("-", "_")
    rows = await harness.sql(
        "SELECT rolsuper OR rolbypassrls AS above FROM pg_roles WHERE starts_with(rolname, $1)", base
    )
    assert [row["above"] for row in rows] == [False, False, False]


async def test_a_transaction_that_raises_leaves_nothing(database: Database, harness: Harness) -> None:
    async def write_and_fail() -> None:
        async with database.transaction(TENANT) as tx:
            await add_note(tx, TENANT, "half")
            await tx.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await write_and_fail()
    assert await harness.notes() == ["ours"]


async def test_commits_are_told_and_failures_are_not(database: Database) -> None:
    calls: list[int] = []
    database.on_commit(lambda: calls.append(1))
    async with database.transaction(TENANT) as tx:
        assert calls == []
        await add_note(tx, TENANT, "x")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(TENANT):
            raise ZeroDivisionError
    assert calls == [1]


async def test_a_statement_with_the_wrong_number_of_arguments_is_a_defect_not_an_outage(database: Database) -> None:
    with pytest.raises(WrongArgumentsError, match="the server expects 1 argument"):
        async with database.transaction(TENANT) as tx:
            await tx.fetch("SELECT $1::int", 1, 2)


async def test_json_columns_are_python_values(database: Database) -> None:
    async with database.transaction(TENANT) as tx:
        value = {"id": uuid4(), "list": [1, 2.5, None, "ä"]}
        assert await tx.fetchval("SELECT $1::jsonb", value) == {**value, "id": str(value["id"])}


async def test_migrating_again_or_at_the_same_time_changes_nothing(harness: Harness) -> None:
    await asyncio.gather(*(_migrate_in_a_process(harness) for _ in range(2)))
    assert [row["version_num"] for row in await harness.sql("SELECT * FROM alembic_version")] == ["0001"]


async def test_two_who_migrate_a_new_database_at_once_do_not_disturb_each_other(harness: Harness) -> None:
    base = harness.name.replace("-", "_")
    await harness.sql("DROP SCHEMA public CASCADE")
    await harness.sql(f"CREATE SCHEMA public AUTHORIZATION {base}_owner")
    await asyncio.gather(*(_migrate_in_a_process(harness) for _ in range(2)))
    assert [row["version_num"] for row in await harness.sql("SELECT * FROM alembic_version")] == ["0001"]


def test_migrating_without_the_owners_dsn_says_what_to_set(tmp_path: Path) -> None:
    settings = ServiceSettings(
        database_url=SecretStr("postgresql://localhost/x"),
        kafka_bootstrap="localhost:1",
        auth_issuer="x",
        auth_audience="x",
    )
    with pytest.raises(SystemExit, match="set DATABASE_OWNER_URL"):
        migrate(settings, tmp_path)


_MIGRATE = """
from pathlib import Path
from contracts.kit.database import migrate
from contracts.kit.settings import ServiceSettings
migrate(ServiceSettings(), Path("migrations"))
"""


async def _migrate_in_a_process(harness: Harness) -> None:
    """As `migrate` of a service is run: alembic keeps its state in the process."""
    secrets = {"DATABASE_URL": harness.settings.database_url, "DATABASE_OWNER_URL": harness.settings.database_owner_url}
    environment = {name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None}
    others = {"KAFKA_BOOTSTRAP": "localhost:1", "AUTH_ISSUER": "unused", "AUTH_AUDIENCE": "unused"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _MIGRATE,
        env={**os.environ, **environment, **others},
        cwd=Path(__file__).parent,
    )
    assert await process.wait() == 0


async def _privileges(harness: Harness, role: str) -> dict[str, set[str]]:
    """What a role was granted on whole tables; columns are listed by `SELECT` on the inbox alone."""
    rows = await harness.sql(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = $1", role
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], set()).add(row["privilege_type"])
    return found
