"""Consumers on a real broker: any bytes, failing handlers, outages, kills and redelivery."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from pydantic import SecretStr

from contracts.envelope import Body, Envelope, Record
from contracts.kit.broker import Consumer, Member, OutageError, Processor, Subscription, each
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.inbox import Inbox, keep_days
from contracts.kit.service import Service
from contracts.messages.results import CommandFailed
from integration.kit.harness import (
    OTHER_TENANT,
    TENANT,
    Harness,
    NoteWritten,
    WriteNote,
    add_note,
    note,
    order,
    running,
)
from support.proxy import Proxy
from support.waiting import eventually

type Handle = Callable[[Envelope[NoteWritten], Connection], Awaitable[None]]


async def write_down(message: Envelope[NoteWritten], tx: Connection) -> None:
    await add_note(tx, message.tenant, message.data.text)


def listening(harness: Harness, handle: Handle = write_down, *, service: Service | None = None, **more: Any) -> Service:
    """A service that consumes notes."""
    service = service or harness.service()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: handle}), **more)
    )
    return service


def changed(message: Envelope[Body], *, value: bytes | None = None, **headers: bytes | None) -> Record:
    """The record of a message, with another value or other headers; a header that is None is left out."""
    record = Record.of(message)
    kept = {**dict(record.headers), **headers}
    return Record(
        record.key,
        record.value if value is None else value,
        tuple((name, raw) for name, raw in kept.items() if raw is not None),
    )


@pytest.mark.invariant(10)
async def test_what_is_no_usable_message_is_put_aside_byte_for_byte_and_the_rest_is_handled(harness: Harness) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=40)
    broken = [
        (Record(b"k", b"hello", ()), "undecodable", "header ce_specversion: expected 1.0"),
        (Record(b"", b"", (("ce_id", b"1"),)), "undecodable", "header ce_specversion: expected 1.0"),
        (changed(note("x"), ce_specversion=b"0.3"), "undecodable", "header ce_specversion: expected 1.0"),
        (changed(note("x"), ce_source=b"\xff\xfe"), "undecodable", "header ce_source: not UTF-8"),
        (changed(note("x"), ce_id=b"a\x00b"), "undecodable", "header ce_id: contains a null character"),
        (changed(note("x"), ce_id=None), "undecodable", "header ce_id: missing"),
        (changed(note("x"), ce_time=b"yesterday"), "undecodable", "header ce_time: not an RFC 3339 time"),
        (changed(note("x"), ce_tenantid=b"us"), "undecodable", "header ce_tenantid: not a UUID"),
        (changed(note("x"), ce_causepath=b"a,b"), "undecodable", "header ce_causepath: expected"),
        (changed(note("x"), value=b"{"), "invalid", "value: is no JSON"),
        (changed(note("x"), value=b'{"text": 5}'), "invalid", "text: expected a text, not a number"),
        (Record.of(note("old", time=long_ago)), "outside_inbox", f"dated {long_ago.date()}: older than the 9 days"),
        (Record.of(note("x", time=datetime.now(UTC) + timedelta(days=3))), "outside_inbox", "dated"),
    ]
    await harness.publish(harness.events, note("before"), *(record for record, _, _ in broken), note("after"))
    async with running(listening(harness)):
        await eventually(lambda: _notes_are(harness, ["before", "after"]))
        await eventually(lambda: _committed(harness, len(broken) + 2))
    dead = {
        (record.key, record.value, record.headers[:-6]): dict(record.headers)
        for record in await harness.dead(harness.events)
    }
    for record, reason, detail in broken:
        headers = dead[record.key, record.value, record.headers]
        assert headers["dlq-reason"].decode() == reason
        assert headers["dlq-detail"].decode().startswith(detail)
        assert headers["dlq-topic"].decode() == harness.events.name
        assert {"dlq-partition", "dlq-offset", "dlq-at"} <= headers.keys()
    assert len(dead) == len(broken)


async def test_a_null_value_is_put_aside_as_a_null_value(harness: Harness) -> None:
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.kafka_bootstrap) as producer:
        headers = list(Record.of(note("x")).headers)
        await producer.send_and_wait(harness.events.name, key=b"k", value=None, headers=headers)
    async with running(listening(harness)):
        dead = (await eventually(lambda: harness.dead(harness.events)))[0]
    assert (dead.key, dead.value, dict(dead.headers)["dlq-detail"]) == (b"k", None, b"value: null")


async def test_a_record_too_large_to_be_copied_leaves_a_note_of_where_it_is(harness: Harness) -> None:
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.kafka_bootstrap) as producer:
        sent = await producer.send_and_wait(harness.events.name, b"x" * 1_048_400, partition=0)
    await harness.publish(harness.events, changed(note("x"), ce_id=None), note("after"))
    async with running(listening(harness)):
        await eventually(lambda: _notes_are(harness, ["after"]))
        await eventually(lambda: _committed(harness, 3))
    large = next(dead for dead in await harness.dead(harness.events) if dict(dead.headers)["dlq-partition"] == b"0")
    assert large.value is None
    assert dict(large.headers)["dlq-offset"] == str(sent.offset).encode()
    assert dict(large.headers)["dlq-detail"].endswith(b"; too large to be copied")


async def test_an_unknown_type_is_passed_over_and_an_empty_key_does_not_matter(harness: Harness) -> None:
    unknown = changed(note("x"), ce_type=b"test.note.burnt.v1")
    keyless = Record(b"", *_value_and_headers(note("keyless")))
    await harness.publish(harness.events, unknown, keyless, note("last"))
    async with running(listening(harness)):
        await eventually(lambda: _committed(harness, 3))
    assert sorted(await harness.notes()) == ["keyless", "last"]
    assert await harness.dead(harness.events) == []


async def test_a_record_that_the_client_cannot_read_is_stepped_over_and_told_of(harness: Harness) -> None:
    await harness.publish(harness.events, note("before"))
    await _publish_header_name_that_is_no_text(harness)
    await harness.publish(harness.events, note("after"))
    async with running(listening(harness)):
        await eventually(lambda: _notes_are(harness, ["before", "after"]))
        dead = (await eventually(lambda: harness.dead(harness.events)))[0]
    assert {**dict(dead.headers), "dlq-at": b""} == {
        "dlq-reason": b"unreadable",
        "dlq-detail": b"the record cannot be read: a header's name is not UTF-8 (UnicodeDecodeError)",
        "dlq-topic": harness.events.name.encode(),
        "dlq-partition": str(dead_partition(dead)).encode(),
        "dlq-offset": b"1",
        "dlq-at": b"",
    }


@pytest.mark.invariant(10)
async def test_a_message_that_fails_alone_is_put_aside_at_once_and_the_others_are_done(harness: Harness) -> None:
    attempts = 0

    async def fail_for_poison(message: Envelope[NoteWritten], tx: Connection) -> None:
        nonlocal attempts
        await write_down(message, tx)
        if message.data.text == "poison":
            attempts += 1
            raise ValueError("a defect")

    await harness.publish(harness.events, note("one"), note("poison"), note("two", item="2"), note("three"))
    async with running(listening(harness, fail_for_poison)):
        await eventually(lambda: _committed(harness, 4))
    assert sorted(await harness.notes()) == ["one", "three", "two"]
    dead = await harness.dead(harness.events)
    assert [dict(record.headers)["dlq-detail"] for record in dead] == [b"this is a defect of the service (ValueError)"]
    assert attempts <= 4  # in the batch, its halves, alone


async def test_a_value_that_postgresql_cannot_take_is_the_messages_fault_not_an_outage(harness: Harness) -> None:
    async def count(message: Envelope[NoteWritten], tx: Connection) -> None:
        await tx.fetchval("SELECT $1::int + 1", int(message.data.text))

    await harness.publish(harness.events, note("1"), note(str(2**40)))
    async with running(listening(harness, count)):
        dead = await eventually(lambda: harness.dead(harness.events))
    assert [dict(record.headers)["dlq-detail"] for record in dead] == [
        b"it has a value that cannot be stored (DataError)"
    ]


async def test_a_command_is_answered_as_failed_when_only_its_id_and_tenant_can_be_read(harness: Harness) -> None:
    service = harness.service()
    commands = Commands(service=service.name, results=harness.results, outbox=service.outbox, clock=service.clock)
    service.consume(commands.subscription(harness.commands, {}, expected=()))
    garbled = order(WriteNote(text="x"))
    async with running(service):
        nameless = changed(order(WriteNote(text="x")), ce_id=b"number five")
        await harness.publish(harness.commands, nameless, changed(garbled, ce_time=b"soon", ce_causepath=b":"))
        answers = await eventually(lambda: _answered(harness, 1))
    assert answers[0].data == CommandFailed(
        command_id=garbled.command_id,
        reason="the command could not be used: header ce_time: not an RFC 3339 time",
        retryable=False,
    )


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
        await eventually(lambda: _notes_are(harness, ["before"]))
        proxy.cut()
        tries = 0
        await harness.publish(harness.events, note("one"), broken, note("two"))
        await eventually(lambda: _true(tries >= 4))
        proxy.mend()
        await eventually(lambda: _committed(harness, 4))
    await proxy.close()
    assert await harness.notes() == ["before", "one", "two"]
    assert [record.value for record in await harness.dead(harness.events)] == [b"no message"]


async def test_while_another_service_is_away_its_messages_wait(harness: Harness) -> None:
    tries = 0

    async def ask_somebody(_: Sequence[Envelope[Any]]) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OutageError("nobody there")

    await harness.publish(harness.events, note("one"), note("two"))
    async with running(listening(harness, prefetch=ask_somebody)):
        await eventually(lambda: _committed(harness, 2))
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
            await eventually(lambda: _notes_are(harness, ["one", "two"]))
            doomed.cancel()
            await asyncio.gather(doomed, return_exceptions=True)
    assert await harness.committed(harness.events) == 0
    handled: list[str] = []

    async def remember(message: Envelope[NoteWritten], tx: Connection) -> None:
        handled.append(message.data.text)

    again = harness.service(http_port=service.settings.http_port)
    async with running(listening(harness, remember, service=again)):
        await eventually(lambda: _committed(harness, 2))
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
        await eventually(lambda: _committed(harness, 1))
    await harness.publish(harness.events, late, early, early)
    async with running(listening(harness, service=harness.service(clock=lambda: midnight + timedelta(seconds=2)))):
        await eventually(lambda: _committed(harness, 4))
    assert await harness.notes() == ["late", "early"]


async def test_the_same_id_from_another_source_is_another_message(harness: Harness) -> None:
    one_id = UUID("00000000-0000-7000-8000-000000000001")
    same = [note("a", id=one_id, source="one"), note("b", id=one_id, source="two"), note("c", id=one_id, source="one")]
    await harness.publish(harness.events, *same)
    async with running(listening(harness)):
        await eventually(lambda: _committed(harness, 3))
    assert await harness.notes() == ["a", "b"]


@pytest.mark.invariant(7)
async def test_replaying_a_topic_from_its_beginning_changes_nothing(harness: Harness) -> None:
    await harness.publish(harness.events, *(note(str(n), item=str(n % 3)) for n in range(30)))
    async with running(listening(harness)):
        await eventually(lambda: _committed(harness, 30))
    before = await harness.notes()
    await _rewind(harness)
    async with running(listening(harness)):
        await eventually(lambda: _committed(harness, 30))
    assert await harness.notes() == before


@pytest.mark.invariant(11)
async def test_a_batch_of_several_tenants_writes_the_rows_of_each(harness: Harness) -> None:
    await harness.publish(harness.events, note("a"), note("b", tenant=OTHER_TENANT), note("c"))
    async with running(listening(harness)):
        await eventually(lambda: _committed(harness, 3))
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
            await eventually(lambda: _committed(harness, 40))
        await harness.publish(harness.events, *(note(str(n), item=str(n)) for n in range(40, 60)))
        await eventually(lambda: _committed(harness, 60))
    assert sorted(map(int, await harness.notes())) == list(range(60))


def dead_partition(dead: Any) -> int:
    return int(dict(dead.headers)["dlq-partition"])


def _consumer(harness: Harness, service: Service) -> "_Opened":
    member = Member(harness.settings.kafka_bootstrap, service.name, f"{service.name}-{service.instance}")
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


async def _notes_are(harness: Harness, texts: list[str]) -> bool:
    return await harness.notes() == texts


async def _committed(harness: Harness, count: int) -> bool:
    return await harness.committed(harness.events) == count


async def _answered(harness: Harness, count: int) -> list[Envelope[Any]]:
    answers = await harness.answers()
    return answers if len(answers) == count else []


async def _inbox_days(harness: Harness) -> list[str]:
    rows = await harness.sql("SELECT relname FROM pg_class WHERE relname ~ '^inbox_[0-9]+$' ORDER BY 1")
    return [row["relname"] for row in rows]


def _value_and_headers(message: Envelope[Body]) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    record = Record.of(message)
    return record.value, record.headers


async def _rewind(harness: Harness) -> None:
    """Sets the group back to the beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=harness.settings.kafka_bootstrap, group_id=harness.name, enable_auto_commit=False
    )
    async with consumer:
        await consumer.commit(dict.fromkeys(await harness.places(consumer, harness.events), 0))


class _NoText(str):
    """A header name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


async def _publish_header_name_that_is_no_text(harness: Harness) -> None:
    """To the partition of the notes of item 1, as some other client could."""
    record = Record.of(note("x"))
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.kafka_bootstrap) as producer:
        partition = (await harness.records(harness.events.name))[0].partition
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(
            magic=2,
            compression_type=0,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=16_384,
        )
        batch.append(key=record.key, value=record.value, timestamp=None, headers=[(_NoText("x"), b"")])
        batch.close()
        await (await producer.send_batch(batch, harness.events.name, partition=partition))
