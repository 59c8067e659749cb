"""What other teams' producers may write: every codec, transactions that are aborted, records no client reads."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import DefaultRecordBatch

from contracts.envelope import Body, Envelope, Record
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.messages.results import CommandDone, FinalResult
from integration.kit.harness import TENANT, Harness, WriteNote, add_note, listening, note, order, running
from support.malformed_records import UNREADABLE, Raw, publish_batch
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_are_read_whatever_they_are_compressed_with(harness: Harness, codec: str) -> None:
    bootstrap = harness.settings.kafka_bootstrap
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec) as producer:
        for n in range(3):
            record = Record.of(note(f"{n} {'x' * 2000}"))
            await producer.send(harness.events.name, record.value, key=record.key, headers=list(record.headers))
    async with running(listening(harness)):
        await eventually(lambda: _notes(harness, 3))
    assert [text[0] for text in await harness.notes()] == ["0", "1", "2"]
    assert await harness.dead(harness.events) == []


async def test_a_command_of_an_aborted_transaction_is_not_handled(harness: Harness) -> None:
    service = harness.service()
    commands = Commands(service=service.name, results=harness.results, outbox=service.outbox, clock=service.clock)

    async def write_note(command: Envelope[WriteNote], tx: Connection) -> FinalResult:
        await add_note(tx, command.tenant, command.data.text)
        return CommandDone(command_id=command.command_id)

    service.consume(commands.subscription(harness.commands, {WriteNote: write_note}, expected=(WriteNote,)))
    producer = AIOKafkaProducer(bootstrap_servers=harness.settings.kafka_bootstrap, transactional_id=harness.name)
    async with producer:
        for text, commits in (("before", True), ("aborted", False), ("after", True)):
            await producer.begin_transaction()
            record = Record.of(order(WriteNote(text=text)))
            await producer.send_and_wait(harness.commands.name, record.value, record.key, headers=list(record.headers))
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    async with running(service):
        await eventually(lambda: _notes(harness, 2))
        await harness.publish(harness.commands, order(WriteNote(text="last")))
        await eventually(lambda: _notes(harness, 3))
    assert await harness.notes() == ["before", "after", "last"]


@pytest.mark.parametrize("codec", [DefaultRecordBatch.CODEC_NONE, DefaultRecordBatch.CODEC_LZ4])
async def test_a_record_that_cannot_be_read_costs_nothing_of_its_batch_but_itself(harness: Harness, codec: int) -> None:
    messages = [note(text) for text in ("one", "two", "three")]
    partition = await _one_batch(harness, codec, messages)
    async with running(listening(harness)):
        await harness.publish(harness.events, note("elsewhere", item="2"), note("behind"))
        await eventually(lambda: _notes(harness, 5))
    assert [text for text in await harness.notes() if text != "elsewhere"] == ["one", "two", "three", "behind"]
    (letter,) = await harness.sql("SELECT * FROM dead_letters")
    assert (letter["topic"], letter["partition"], letter["offset"]) == (harness.events.name, partition, 1)
    assert (letter["reason"], letter["complete"], letter["size"]) == ("unreadable", False, len(letter["value"]))
    assert b"\xff\xfe" in letter["value"]
    assert b"{}" in letter["value"]
    (dead,) = await harness.dead(harness.events)
    assert dead.value == letter["value"]


async def test_headers_of_other_teams_and_a_trace_that_is_none_are_no_obstacle(harness: Harness) -> None:
    record = Record.of(note("sound"))
    more = (("ce_foo", b"\xff\xfe" * 5000), ("traceparent", b"\xff"), ("x-binary", b"\x00\xff"))
    await harness.publish(harness.events, Record(record.key, record.value, (*record.headers, *more)))
    async with running(listening(harness)):
        await eventually(lambda: _notes(harness, 1))
    assert await harness.dead(harness.events) == []


async def _one_batch(harness: Harness, codec: int, messages: list[Envelope[Body]]) -> int:
    """Publishes the messages in one batch, the second one behind a record that no client reads. Its partition."""
    rows: list[Raw] = [(record.key, record.value, list(record.headers)) for record in map(Record.of, messages)]
    everywhere = list(range(harness.events.partitions))
    partition = int(DefaultPartitioner()(rows[0][0], everywhere, everywhere))
    kafka, topic = harness.settings.kafka_bootstrap, harness.events.name
    await publish_batch(kafka, topic, partition, [rows[0], UNREADABLE, *rows[1:]], codec=codec)
    return partition


async def _notes(harness: Harness, count: int) -> bool:
    return len(await harness.notes(TENANT)) == count
