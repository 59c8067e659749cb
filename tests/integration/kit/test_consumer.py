"""Consumers on a real broker: outages, kills, redelivery and replicas."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from contracts.envelope import Envelope, Record
from contracts.kit.broker import Consumer, Member, OutageError, Processor, Subscription, each
from contracts.kit.database import Connection
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.inbox import Inbox, keep_days
from contracts.kit.service import Service
from integration.kit.harness import (
    OTHER_TENANT,
    TENANT,
    Harness,
    NoteWritten,
    assign_all,
    listening,
    note,
    own_harness,
    running,
    write_down,
)
from support.proxy import Proxy
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.mark.invariant(10)
async def test_while_postgresql_is_away_nothing_is_put_aside_and_then_all_is_done(harness: Harness) -> None:
    dsn = harness.settings.database_url.get_secret_value()
    proxy = Proxy.before(dsn)
    await proxy.start()
    tries = 0

    async def count_tries(_: Sequence[Envelope[Any]]) -> None:
        nonlocal tries
        tries += 1

    service = harness.service(database_url=SecretStr(proxy.redirect(dsn)))
    broken = Record(b"k", b"no message", ())
    async with running(listening(harness, service=service, prefetch=count_tries)):
        await harness.publish(harness.events, note("before"))
        await harness.until_notes("before")
        proxy.cut()
        tries = 0
        await harness.publish(harness.events, note("one"), broken, note("two"))
        await eventually(lambda: _true(tries >= 4))
        proxy.mend()
        await harness.until_committed(4)
    await proxy.close()
    assert await harness.notes() == ["before", "one", "two"]
    assert [record.value for record in await harness.dead(harness.events)] == [b"no message"]


@pytest.mark.invariant(1)
async def test_a_table_that_a_newer_version_changes_costs_no_message(postgres: str, kafka: str, tmp_path: Path) -> None:
    """What was prepared before its migration is void, and the statement fails once."""
    failed: list[Exception] = []

    async def copy(message: Envelope[NoteWritten], tx: Connection) -> None:
        try:
            await tx.fetch("SELECT * FROM notes")
        except Exception as error:
            failed.append(error)
            raise
        await write_down(message, tx)

    async with own_harness(postgres, kafka, tmp_path / "jwks.json") as harness:
        async with running(listening(harness, copy, service=harness.service(database_pool=1))):
            for number in range(3):
                await harness.publish(harness.events, note(f"before {number}"))
                await harness.until_notes(*(f"before {n}" for n in range(number + 1)))
            await harness.sql("ALTER TABLE notes ADD COLUMN colour text")
            await harness.publish(harness.events, note("after"))
            await harness.until_notes(*(f"before {n}" for n in range(3)), "after")
        assert await harness.dead(harness.events) == []
    assert [type(error) for error in failed] == [asyncpg.InvalidCachedStatementError]


async def test_while_another_service_is_away_its_messages_wait(harness: Harness) -> None:
    tries = 0

    async def ask_somebody(_: Sequence[Envelope[Any]]) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OutageError("nobody there")

    await harness.publish(harness.events, note("one"), note("two"))
    async with running(listening(harness, prefetch=ask_somebody)):
        await harness.until_committed(2)
    assert await harness.notes() == ["one", "two"]
    assert await harness.dead(harness.events) == []


async def test_a_consumer_killed_after_its_commit_and_before_its_offset_commit_changes_nothing_when_it_is_back(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.publish(harness.events, note("one"), note("two"))
    service = harness.service()
    async with _consumer(harness, service) as consumer:
        with monkeypatch.context() as patched:
            patched.setattr(AIOKafkaConsumer, "commit", _hang)
            doomed = asyncio.create_task(consumer.run())
            await harness.until_notes("one", "two")
            doomed.cancel()
            await asyncio.gather(doomed, return_exceptions=True)
    assert await harness.committed(harness.events) == 0
    handled: list[str] = []

    async def remember(message: Envelope[NoteWritten], tx: Connection) -> None:
        handled.append(message.data.text)

    again = harness.service(http_port=service.settings.http_port)
    async with running(listening(harness, remember, service=again)):
        await harness.until_committed(2)
    assert handled == []
    assert await harness.notes() == ["one", "two"]


@pytest.mark.invariant(2)
async def test_the_inbox_knows_a_message_again_after_midnight(harness: Harness) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    late = note("late", time=midnight - timedelta(seconds=1))
    early = note("early", time=midnight + timedelta(seconds=1))
    await harness.publish(harness.events, late)
    async with running(
        listening(harness, service=harness.service(clock=lambda: midnight - timedelta(milliseconds=500)))
    ):
        await harness.until_committed(1)
    await harness.publish(harness.events, late, early, early)
    async with running(listening(harness, service=harness.service(clock=lambda: midnight + timedelta(seconds=2)))):
        await harness.until_committed(4)
    assert await harness.notes() == ["late", "early"]


async def test_the_same_id_from_another_source_is_another_message(harness: Harness) -> None:
    one_id = UUID("00000000-0000-7000-8000-000000000001")
    same = [note("a", id=one_id, source="one"), note("b", id=one_id, source="two"), note("c", id=one_id, source="one")]
    await harness.publish(harness.events, *same)
    async with running(listening(harness)):
        await harness.until_committed(3)
    assert await harness.notes() == ["a", "b"]


@pytest.mark.invariant(7)
async def test_replaying_a_topic_from_its_beginning_changes_nothing(harness: Harness) -> None:
    await harness.publish(harness.events, *(note(str(n), item=str(n % 3)) for n in range(30)))
    async with running(listening(harness)):
        await harness.until_committed(30)
    before = await harness.notes()
    await _rewind(harness)
    async with running(listening(harness)):
        await harness.until_committed(30)
    assert await harness.notes() == before


@pytest.mark.invariant(11)
async def test_a_batch_of_several_tenants_writes_the_rows_of_each(harness: Harness) -> None:
    await harness.publish(harness.events, note("a"), note("b", tenant=OTHER_TENANT), note("c"))
    async with running(listening(harness)):
        await harness.until_committed(3)
    assert (await harness.notes(TENANT), await harness.notes(OTHER_TENANT)) == (["a", "c"], ["b"])


async def test_the_inbox_keeps_the_days_it_is_told_and_drops_older_ones(harness: Harness) -> None:
    service = harness.service()
    await service.database.open()
    await keep_days(service.database, 20)
    assert len(await _inbox_days(harness)) == 24
    await keep_days(service.database, 9)
    await keep_days(service.database, 9)
    await service.database.close()
    today = datetime.now(UTC).date()
    assert await _inbox_days(harness) == [f"inbox_{today + timedelta(days=n):%Y%m%d}" for n in range(-10, 3)]


async def test_two_replicas_share_the_partitions_and_one_takes_over_when_the_other_leaves(harness: Harness) -> None:
    async with running(listening(harness)):
        await harness.publish(harness.events, *(note(str(n), item=str(n)) for n in range(20)))
        async with running(listening(harness)):
            await harness.publish(harness.events, *(note(str(n), item=str(n)) for n in range(20, 40)))
            await harness.until_committed(40)
        await harness.publish(harness.events, *(note(str(n), item=str(n)) for n in range(40, 60)))
        await harness.until_committed(60)
    assert sorted(map(int, await harness.notes())) == list(range(60))


async def test_a_consumer_that_stops_leaves_its_group_at_once(harness: Harness) -> None:
    await harness.publish(harness.events, note("one"))
    async with running(listening(harness)):
        await harness.until_committed(1)
        assert await _state_of_group(harness) == "Stable"
    assert await _state_of_group(harness) == "Empty"


async def _state_of_group(harness: Harness) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=harness.settings.kafka_bootstrap)
    await admin.start()
    (response,) = await admin.describe_consumer_groups([harness.name])
    await admin.close()
    ((_, _, state, *_),) = response.groups
    return str(state)


def _consumer(harness: Harness, service: Service) -> "_Opened":
    member = Member(harness.settings, service.name, f"{service.name}-{service.instance}")
    subscription = Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: write_down}))
    return _Opened(
        service,
        Consumer(
            Processor(
                subscription,
                service.database,
                Inbox(service.name, 9, service.clock),
                DeadLetters(service.name, service._producer, service.database),
            ),
            member,
        ),
    )


class _Opened:
    """A consumer outside of a service, whose process can be killed: the database is opened for it."""

    def __init__(self, service: Service, consumer: Consumer) -> None:
        self._service = service
        self._consumer = consumer

    async def __aenter__(self) -> Consumer:
        await self._service.database.open()
        await keep_days(self._service.database, 9)
        return self._consumer

    async def __aexit__(self, *_: object) -> None:
        await self._service.database.close()


async def _hang(*_: Any) -> None:
    await asyncio.Event().wait()


async def _true(it: bool) -> bool:
    return it


async def _inbox_days(harness: Harness) -> list[str]:
    rows = await harness.sql("SELECT relname FROM pg_class WHERE relname ~ '^inbox_[0-9]+$' ORDER BY 1")
    return [row["relname"] for row in rows]


async def _rewind(harness: Harness) -> None:
    """Sets the group back to the beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=harness.settings.kafka_bootstrap, group_id=harness.name, enable_auto_commit=False
    )
    async with consumer:
        await consumer.commit(dict.fromkeys(assign_all(consumer, harness.events), 0))
