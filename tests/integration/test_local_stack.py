"""The local stack's own promises: real servers that survive a kill, databases with their roles, topics."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from temporalio.client import Client

from local_stack.databases import create_database, drop_database
from local_stack.testing import PrivateServers
from local_stack.topics import create_topics


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int = 1
    retention: timedelta | None = timedelta(days=1)
    cleanup: str = "delete"


async def test_postgres_is_version_18_and_allows_300_connections(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    assert connection.get_server_version().major == 18
    assert await connection.fetchval("SHOW max_connections") == "300"
    await connection.close()


async def test_the_app_role_becomes_the_delivery_role_only_when_it_says_so(postgres: str) -> None:
    database = await create_database(postgres, "entity-service", "roles_test")
    assert await create_database(postgres, "entity-service", "roles_test") == database
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("CREATE TABLE outbox (id int); GRANT SELECT ON outbox TO entity_service_delivery")
    app = await asyncpg.connect(database.app_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetch("SELECT * FROM outbox")
    await app.execute("SET ROLE entity_service_delivery")
    assert await app.fetch("SELECT * FROM outbox") == []
    await owner.close()
    await app.close()
    await drop_database(postgres, database.name)


async def test_a_record_survives_the_broker_being_killed(private_servers: PrivateServers) -> None:
    kafka = await asyncio.to_thread(private_servers.kafka)
    assert await create_topics(kafka.address, [Topic("kept")]) == ["kept"]
    assert await create_topics(kafka.address, [Topic("kept")]) == []
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all") as producer:
        await producer.send_and_wait("kept", b"still here")
    kafka.kill()
    await asyncio.to_thread(kafka.start)
    async with AIOKafkaConsumer("kept", bootstrap_servers=kafka.address, auto_offset_reset="earliest") as consumer:
        assert (await consumer.getone()).value == b"still here"


async def test_a_commit_survives_the_database_server_being_killed(private_servers: PrivateServers) -> None:
    postgres = await asyncio.to_thread(private_servers.postgres)
    first = await asyncpg.connect(postgres.dsn)
    await first.execute("CREATE TABLE kept AS SELECT 7 AS value")
    postgres.kill()
    await asyncio.to_thread(postgres.start)
    again = await asyncpg.connect(postgres.dsn)
    assert await again.fetchval("SELECT value FROM kept") == 7
    await again.close()
    first.terminate()


async def test_a_parked_workflow_survives_temporal_being_killed(private_servers: PrivateServers) -> None:
    temporal = await asyncio.to_thread(private_servers.temporal)
    client = await Client.connect(temporal.address)
    await client.start_workflow("Parked", id="parked", task_queue="nobody", start_delay=timedelta(days=180))
    temporal.kill()
    await asyncio.to_thread(temporal.start)
    client = await Client.connect(temporal.address)
    assert (await client.get_workflow_handle("parked").describe()).close_time is None
