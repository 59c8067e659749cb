"""Consumers on a real broker: records that are no usable messages, and messages that fail alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts.envelope import Body, Envelope, Record
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.messages.results import CommandFailed
from integration.kit.harness import Harness, NoteWritten, WriteNote, listening, note, order, running, write_down
from support.malformed_records import UNREADABLE, strew
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


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
        await harness.until_notes("before", "after")
        await harness.until_committed(len(broken) + 2)
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
        await harness.until_notes("after")
        await harness.until_committed(3)
    large = next(dead for dead in await harness.dead(harness.events) if dict(dead.headers)["dlq-partition"] == b"0")
    assert large.value is None
    assert dict(large.headers)["dlq-offset"] == str(sent.offset).encode()
    assert dict(large.headers)["dlq-detail"].endswith(b"; too large to be copied")


async def test_an_unknown_type_is_passed_over_and_an_empty_key_does_not_matter(harness: Harness) -> None:
    unknown = changed(note("x"), ce_type=b"test.note.burnt.v1")
    keyless = Record(b"", *_value_and_headers(note("keyless")))
    await harness.publish(harness.events, unknown, keyless, note("last"))
    async with running(listening(harness)):
        await harness.until_committed(3)
    assert sorted(await harness.notes()) == ["keyless", "last"]
    assert await harness.dead(harness.events) == []


async def test_a_record_that_the_client_cannot_read_is_stepped_over_and_told_of(harness: Harness) -> None:
    await harness.publish(harness.events, note("before"))
    (before,) = await harness.records(harness.events)
    await strew(harness.settings.kafka_bootstrap, harness.events.name, before.partition, UNREADABLE)
    await harness.publish(harness.events, note("after"))
    async with running(listening(harness)):
        await harness.until_notes("before", "after")
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
        await harness.until_committed(4)
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
        answers = await harness.until_answers(1)
    assert answers[0].data == CommandFailed(
        command_id=garbled.command_id,
        reason="the command could not be used: header ce_time: not an RFC 3339 time",
        retryable=False,
    )


def dead_partition(dead: Any) -> int:
    return int(dict(dead.headers)["dlq-partition"])


def _value_and_headers(message: Envelope[Body]) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    record = Record.of(message)
    return record.value, record.headers
