"""The whole of a service on real servers: outbox to inbox, commands, leased work."""

import asyncio
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from contracts.envelope import Envelope
from contracts.kit import worker
from contracts.kit.broker import Subscription, each
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.kit.service import Service
from contracts.kit.worker import Job, Task
from contracts.messages.results import CommandDone, FinalResult
from integration.kit.harness import (
    TENANT,
    Harness,
    NoteWritten,
    WriteNote,
    add_note,
    note,
    order,
    own_harness,
    running,
)
from local_stack.testing import PrivateServers
from support.proxy import Proxy
from support.serving import ServiceTransport
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


async def test_what_is_put_into_the_outbox_is_published_consumed_once_and_handled(harness: Harness) -> None:
    service = writing_down(harness)
    async with running(service):
        await tell(service, harness, "hello", "world")
        await eventually(lambda: _has(harness, ["hello", "world"]))
    assert await harness.texts() == ["hello", "world"]
    assert await harness.committed(harness.events) == 2


async def test_one_that_only_serves_publishes_what_it_commits_and_leaves_the_rest_to_others(harness: Harness) -> None:
    serving_alone = writing_down(harness, harness.service(api_only=True))
    serving_alone.work({"write": Job(_unexpected, _given_up)})
    async with running(serving_alone):
        await tell(serving_alone, harness, "hello")
        async with serving_alone.database.transaction(TENANT) as tx:
            await worker.enqueue(tx, id=new_id(), tenant=TENANT, kind="write", run_at=serving_alone.clock())
        await eventually(lambda: _published(harness, ["hello"]))
        async with running(writing_down(harness)):
            await eventually(lambda: _has(harness, ["hello"]))
        assert [row["attempts"] for row in await harness.sql("SELECT attempts FROM work")] == [0]


async def test_a_command_becomes_leased_work_and_its_result(harness: Harness) -> None:
    service = harness.service()
    commands = Commands(service=service.name, results=harness.results, outbox=service.outbox, clock=service.clock)

    async def write_note(command: Envelope[WriteNote], tx: Connection) -> FinalResult | None:
        await worker.enqueue(tx, id=command.command_id, tenant=command.tenant, kind="write", run_at=service.clock())
        return None

    async def write(task: Task) -> None:
        async with service.database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await add_note(tx, task.tenant, "written")
                await commands.finish(tx, task.tenant, CommandDone(command_id=task.id, outputs={"length": 7}))

    async def give_up(_: Task, reason: str) -> None:
        raise AssertionError(reason)

    service.consume(commands.subscription(harness.commands, {WriteNote: write_note}, expected=(WriteNote,)))
    service.work({"write": Job(write, give_up)})
    async with running(service):
        sent = order(WriteNote(text="written"))
        await harness.publish(harness.commands, sent)
        answer = (await eventually(harness.answers))[0]
    assert answer.data == CommandDone(command_id=UUID(sent.id), outputs={"length": 7})
    assert (answer.issuer, answer.causation, answer.correlation) == ("test", sent.id, "a-correlation")
    assert await harness.notes() == ["written"]


@pytest.mark.verify
@pytest.mark.invariant(10)
async def test_kafka_may_be_killed_and_started_again_under_a_service(
    postgres: str, private_servers: PrivateServers, tmp_path: Path
) -> None:
    kafka = await asyncio.to_thread(private_servers.kafka)
    async with own_harness(postgres, kafka.address, tmp_path / "jwks.json") as harness:
        service = writing_down(harness)
        async with running(service):
            await tell(service, harness, "before")
            await eventually(lambda: _has(harness, ["before"]))
            await asyncio.to_thread(kafka.kill)
            for n in range(5):
                await tell(service, harness, f"meanwhile {n}")
            await asyncio.to_thread(kafka.start)
            await eventually(lambda: _has(harness, ["before", *(f"meanwhile {n}" for n in range(5))]), within_s=90)
        assert await harness.dead(harness.events) == []


@pytest.mark.invariant(10)
async def test_postgresql_may_be_killed_and_started_again_under_a_service(
    kafka: str, private_servers: PrivateServers, tmp_path: Path
) -> None:
    postgres = await asyncio.to_thread(private_servers.postgres)
    async with own_harness(postgres.dsn, kafka, tmp_path / "jwks.json") as harness:
        service = writing_down(harness)
        async with running(service):
            await tell(service, harness, "before")
            await eventually(lambda: _has(harness, ["before"]))
            await asyncio.to_thread(postgres.kill)
            await harness.publish(harness.events, note("meanwhile"))
            await asyncio.to_thread(postgres.start)
            await eventually(lambda: _has(harness, ["before", "meanwhile"]))
            await tell(service, harness, "after")
            await eventually(lambda: _has(harness, ["before", "meanwhile", "after"]))
        assert await harness.dead(harness.events) == []


async def test_a_service_starts_before_its_servers_and_is_ready_when_they_are(harness: Harness) -> None:
    host, port = harness.settings.kafka_bootstrap.split(":")
    kafka, postgres = Proxy(host, int(port)), Proxy.before(harness.settings.database_url.get_secret_value())
    for proxy in (kafka, postgres):
        await proxy.start()
        proxy.cut()
    dsn = SecretStr(postgres.redirect(harness.settings.database_url.get_secret_value()))
    service = writing_down(harness, harness.service(database_url=dsn, kafka_bootstrap=f"127.0.0.1:{kafka.port}"))
    app = service.app("probe", [])
    async with httpx.AsyncClient(transport=ServiceTransport(app, service.settings), base_url="http://probe") as client:
        assert (await client.get("/health/live")).status_code == 200
        assert (await _failing(client)) == ["database", "consumers"]
        lifespan = app.router.lifespan_context(app)
        started = asyncio.create_task(lifespan.__aenter__())
        postgres.mend()
        await started
        assert await _failing(client) == ["consumers"]
        kafka.mend()
        await eventually(lambda: _ready(client))
        postgres.cut()
        await eventually(lambda: _database_fails(client))
        postgres.mend()
        await eventually(lambda: _ready(client))
        await lifespan.__aexit__(None, None, None)
    for proxy in (kafka, postgres):
        await proxy.close()


async def test_metrics_count_what_is_pending(harness: Harness) -> None:
    service = harness.service()
    app = service.app("probe", [])
    await service.database.open()
    async with service.database.transaction(TENANT) as tx:
        await service.outbox.put(tx, harness.events, note("a"), note("b"))
        await worker.enqueue(tx, id=new_id(), tenant=TENANT, kind="write", run_at=service.clock())
    async with httpx.AsyncClient(transport=ServiceTransport(app, service.settings), base_url="http://probe") as client:
        text = (await client.get("/metrics")).text
    await service.database.close()
    assert {"outbox_pending 2.0", "work_pending 1.0"} <= set(text.splitlines())
    assert str(TENANT) not in text


def writing_down(harness: Harness, service: Service | None = None) -> Service:
    """A service that writes down every note that it consumes."""

    async def on_note_written(message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)

    service = service or harness.service()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: on_note_written}))
    )
    return service


async def tell(service: Service, harness: Harness, *texts: str) -> None:
    async with service.database.transaction(TENANT) as tx:
        await service.outbox.put(tx, harness.events, *(note(text) for text in texts))


async def _unexpected(task: Task) -> None:
    raise AssertionError(task)


async def _given_up(task: Task, reason: str) -> None:
    raise AssertionError(reason)


async def _published(harness: Harness, texts: list[str]) -> bool:
    return await harness.texts() == texts


async def _failing(client: httpx.AsyncClient) -> list[str]:
    found: list[str] = (await client.get("/health/ready")).json()["failing"]
    return found


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def _database_fails(client: httpx.AsyncClient) -> bool:
    return "database" in await _failing(client)


async def _has(harness: Harness, texts: list[str]) -> bool:
    return await harness.notes() == texts
