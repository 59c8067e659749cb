"""The local stack's own promises: real servers that survive a kill, databases with their roles, topics, parts."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from joserfc import jwt
from joserfc.jwk import KeySet
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic
from local_stack.credentials import AUDIENCE, ISSUER
from local_stack.databases import create_database, drop_database
from local_stack.errors import StackError
from local_stack.part import Part
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.supervisor import Watch
from local_stack.testing import PrivateServers, start_time_skipping
from local_stack.topics import create_topics
from support.own_stack import own_stack
from support.waiting import until


@workflow.defn(name="HalfAYear")
class HalfAYear:
    @workflow.run
    async def run(self) -> float:
        started = workflow.now()
        await workflow.sleep(timedelta(days=180))
        return (workflow.now() - started).total_seconds()


@pytest.fixture
def stack(session_folder: Path) -> Iterator[Stack]:
    """A stack of its own, on ports of its own, beside any other."""
    with own_stack(session_folder / f"stack-{uuid4().hex[:8]}") as stack:
        yield stack


async def test_postgres_is_version_18_and_allows_300_connections(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    assert connection.get_server_version().major == 18
    assert await connection.fetchval("SHOW max_connections") == "300"
    await connection.close()


def test_postgres_killed_while_it_wrote_its_lock_starts_again(private_servers: PrivateServers) -> None:
    server = private_servers.postgres()
    server.kill()
    (lock,) = server.home.resolve().rglob("postmaster.pid", recurse_symlinks=True)
    lock.write_text("")
    server.start()
    assert server.ready()


async def test_the_app_role_becomes_the_delivery_role_only_when_it_says_so(postgres: str) -> None:
    database = await create_database(postgres, "entity-service", f"roles_{uuid4().hex}")
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


async def test_the_app_role_is_no_superuser_and_cannot_bypass_row_level_security(postgres: str) -> None:
    database = await create_database(postgres, "entity-service", f"rights_{uuid4().hex}")
    app = await asyncpg.connect(database.app_url)
    rights = await app.fetchrow("SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user")
    assert rights is not None
    assert tuple(rights) == (False, False, False)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("CREATE TABLE mine (id int)")
    await app.close()
    await drop_database(postgres, database.name)


async def test_creating_a_database_again_or_by_two_at_once_changes_nothing(postgres: str) -> None:
    name = f"twice_{uuid4().hex}"
    first, second = await asyncio.gather(*(create_database(postgres, "doc-service", name) for _ in range(2)))
    assert first == second
    assert await create_database(postgres, "doc-service", name) == first
    await drop_database(postgres, name)


async def test_the_topics_of_the_contracts_are_created_once(kafka: str) -> None:
    wanted = [*TOPICS, *DEAD_LETTER_TOPICS]
    await create_topics(kafka, wanted)
    assert await create_topics(kafka, wanted) == []
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        assert {topic.name for topic in wanted} <= await consumer.topics()
    async with AIOKafkaConsumer("crm.entity.events.v1", bootstrap_servers=kafka) as consumer:
        assert consumer.partitions_for_topic("crm.entity.events.v1") == set(range(12))


@pytest.mark.verify
async def test_a_record_survives_the_broker_being_killed(private_servers: PrivateServers) -> None:
    kafka = await asyncio.to_thread(private_servers.kafka)
    await create_topics(kafka.address, [Topic("kept", "nobody", (), partitions=1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all") as producer:
        await producer.send_and_wait("kept", b"still here")
    await _kill_and_start(kafka)
    async with AIOKafkaConsumer("kept", bootstrap_servers=kafka.address, auto_offset_reset="earliest") as consumer:
        assert (await consumer.getone()).value == b"still here"


@pytest.mark.verify
async def test_a_commit_survives_the_database_server_being_killed(private_servers: PrivateServers) -> None:
    postgres = await asyncio.to_thread(private_servers.postgres)
    first = await asyncpg.connect(postgres.dsn)
    await first.execute("CREATE TABLE kept AS SELECT 7 AS value")
    await _kill_and_start(postgres)
    again = await asyncpg.connect(postgres.dsn)
    assert await again.fetchval("SELECT value FROM kept") == 7
    await again.close()
    first.terminate()


@pytest.mark.verify
async def test_a_parked_workflow_survives_temporal_being_killed(private_servers: PrivateServers) -> None:
    temporal = await asyncio.to_thread(private_servers.temporal)
    client = await Client.connect(temporal.address)
    await client.start_workflow("Parked", id="parked", task_queue="nobody", start_delay=timedelta(days=180))
    await _kill_and_start(temporal)
    client = await Client.connect(temporal.address)
    assert (await client.get_workflow_handle("parked").describe()).close_time is None


async def test_the_temporal_server_of_the_session_has_the_default_namespace(temporal: str) -> None:
    client = await Client.connect(temporal, namespace="default")
    assert await client.service_client.check_health()


async def test_the_time_skipping_server_sleeps_half_a_year_at_once(time_skipping: Path) -> None:
    async with (
        await start_time_skipping(time_skipping) as environment,
        Worker(
            environment.client,
            task_queue="naps",
            workflows=[HalfAYear],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        slept = await environment.client.execute_workflow(HalfAYear.run, id="nap", task_queue="naps")
        assert slept >= timedelta(days=180).total_seconds()


@pytest.mark.verify
def test_a_part_that_fell_is_started_again_and_one_that_was_killed_for_good_is_not(stack: Stack) -> None:
    traces = stack.peers["traces"]
    watch = Watch(traces)
    traces.start()
    os.kill(_pid(traces), signal.SIGKILL)
    until(lambda: traces.process.fell)
    assert watch.look(time.monotonic())
    traces.wait_ready()
    traces.kill()
    assert not traces.process.fell
    assert not watch.look(time.monotonic() + 3600)


@pytest.mark.verify
def test_a_part_that_falls_again_and_again_is_started_at_growing_intervals(stack: Stack) -> None:
    traces = stack.peers["traces"]
    watch = Watch(traces)
    traces.launch()
    for moment, expected in ((0.0, True), (1.0, False), (2.5, True), (5.0, False), (7.0, True)):
        os.kill(_pid(traces), signal.SIGKILL) if traces.alive else None
        until(lambda: traces.process.fell)
        assert watch.look(moment) is expected


@pytest.mark.verify
def test_the_command_kills_starts_and_shows_one_part(stack: Stack) -> None:
    mail = stack.peers["mail"]
    stack.start(["mail"])
    killed = _pid(mail)
    _stack_command(stack, "kill", "mail")
    assert _health(stack, "mail") == "down"
    _stack_command(stack, "start", "mail")
    assert _health(stack, "mail") == "ready"
    assert _pid(mail) != killed
    assert json.loads((stack.folder / "stack.json").read_text())["pids"]["mail"] == _pid(mail)


def test_an_unknown_part_is_named_in_the_error(stack: Stack) -> None:
    with pytest.raises(StackError, match=r"no part toaster; there are: all, postgres, kafka"):
        stack.kill(["toaster"])


def test_a_port_taken_by_another_program_is_named_in_the_error(stack: Stack) -> None:
    other = Stack(stack.folder.with_name("other"), stack.addresses, Report())
    stack.start(["traces"])
    with pytest.raises(StackError, match=rf"port {stack.addresses.port('traces')}, meant for traces, is taken"):
        other.start(["traces"])


def test_tokens_carry_what_services_ask_for_and_verify_with_the_published_keys(stack: Stack) -> None:
    tenant = uuid4()
    stack.credentials.prepare(["comms-service"])
    keys = KeySet.import_key_set(json.loads(stack.credentials.jwks_file.read_text()))
    person = jwt.decode(stack.credentials.token(["author"], tenant, "manager"), keys, algorithms=["ES256"]).claims
    file = stack.credentials.service_tokens("comms-service") / "doc-service"
    service = jwt.decode(file.read_text(), keys, algorithms=["ES256"]).claims
    assert (person["iss"], person["aud"], person["sub"]) == (ISSUER, AUDIENCE, "manager")
    assert (person["tenant"], person["roles"]) == (str(tenant), ["author"])
    assert (service["sub"], service["aud"], service["scope"]) == ("comms-service", f"{AUDIENCE}/doc-service", "files")
    assert ("tenant" in service, "roles" in service) == (False, False)
    platform = jwt.decode(stack.credentials.platform_token("olga"), keys, algorithms=["ES256"]).claims
    assert (platform["sub"], platform["roles"], "tenant" in platform) == ("olga", ["platform"], False)


def test_secrets_are_readable_by_their_owner_only_and_stay_the_same(stack: Stack) -> None:
    stack.credentials.prepare(["comms-service"])
    files = list((stack.folder / "auth").rglob("*"))
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
    again = Stack(stack.folder, stack.addresses, Report())
    assert again.credentials.secrets == stack.credentials.secrets


async def _kill_and_start(part: Part) -> None:
    await asyncio.to_thread(part.kill)
    await asyncio.to_thread(part.start)


def _pid(part: Part) -> int:
    pid = part.process.pid
    assert pid is not None
    return pid


def _stack_command(stack: Stack, *arguments: str) -> str:
    environment = {
        **os.environ,
        "STACK_DIR": str(stack.folder),
        "STACK_TOOLS": str(stack.tools.folder),
        "STACK_PORT_BASE": str(stack.addresses.port_base),
    }
    program = Path(sys.executable).with_name("stack")
    done = subprocess.run(  # noqa: S603 - the command under test
        [program, *arguments], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0 or arguments[0] == "status", done.stderr
    return done.stdout


def _health(stack: Stack, name: str) -> str:
    lines = json.loads(_stack_command(stack, "status", "--json"))
    return str(next(line["health"] for line in lines if line["name"] == name))
