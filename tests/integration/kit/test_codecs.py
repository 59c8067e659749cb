"""What other teams' producers may write: every codec, transactions that are aborted, records no client reads."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy

from contracts.envelope import Body, Envelope, Record
from contracts.kit.broker import Subscription, each
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.kit.service import Service
from contracts.messages.results import CommandDone, FinalResult
from integration.kit.harness import TENANT, NoteWritten, Site, WriteNote, add_note, note, order, running
from support.rubbish import UNREADABLE
from support.waiting import eventually


async def write_down(message: Envelope[NoteWritten], tx: Connection) -> None:
    await add_note(tx, message.tenant, message.data.text)


def listening(site: Site) -> Service:
    service = site.service()
    service.consume(Subscription(topics=(site.events,), bodies=(NoteWritten,), handle=each({NoteWritten: write_down})))
    return service


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_are_read_whatever_they_are_compressed_with(site: Site, codec: str) -> None:
    bootstrap = site.settings.kafka_bootstrap
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=codec) as producer:
        for n in range(3):
            record = Record.of(note(f"{n} {'x' * 2000}"))
            await producer.send(site.events.name, record.value, key=record.key, headers=list(record.headers))
    async with running(listening(site)):
        await eventually(lambda: _notes(site, 3))
    assert [text[0] for text in await site.notes()] == ["0", "1", "2"]
    assert await site.dead(site.events) == []


async def test_a_command_of_an_aborted_transaction_is_not_obeyed(site: Site) -> None:
    service = site.service()
    commands = Commands(service=service.name, results=site.results, outbox=service.outbox, clock=service.clock)

    async def write_note(command: Envelope[WriteNote], tx: Connection) -> FinalResult:
        await add_note(tx, command.tenant, command.data.text)
        return CommandDone(command_id=command.command_id)

    service.consume(commands.subscription(site.commands, {WriteNote: write_note}, expected=(WriteNote,)))
    producer = AIOKafkaProducer(bootstrap_servers=site.settings.kafka_bootstrap, transactional_id=site.name)
    async with producer:
        for text, commits in (("before", True), ("aborted", False), ("after", True)):
            await producer.begin_transaction()
            record = Record.of(order(WriteNote(text=text)))
            await producer.send_and_wait(site.commands.name, record.value, record.key, headers=list(record.headers))
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    async with running(service):
        await eventually(lambda: _notes(site, 2))
        await site.publish(site.commands, order(WriteNote(text="last")))
        await eventually(lambda: _notes(site, 3))
    assert await site.notes() == ["before", "after", "last"]


@pytest.mark.parametrize("codec", [DefaultRecordBatch.CODEC_NONE, DefaultRecordBatch.CODEC_LZ4])
async def test_a_record_that_cannot_be_read_costs_nothing_of_its_batch_but_itself(site: Site, codec: int) -> None:
    messages = [note(text) for text in ("one", "two", "three")]
    partition = await _one_batch(site, codec, messages)
    async with running(listening(site)):
        await site.publish(site.events, note("elsewhere", item="2"), note("behind"))
        await eventually(lambda: _notes(site, 5))
    assert [text for text in await site.notes() if text != "elsewhere"] == ["one", "two", "three", "behind"]
    (letter,) = await site.sql("SELECT * FROM dead_letters")
    assert (letter["topic"], letter["partition"], letter["offset"]) == (site.events.name, partition, 1)
    assert (letter["reason"], letter["complete"], letter["size"]) == ("unreadable", False, len(letter["value"]))
    assert b"\xff\xfe" in letter["value"]
    assert b"{}" in letter["value"]
    (dead,) = await site.dead(site.events)
    assert dead.value == letter["value"]


async def test_headers_of_other_teams_and_a_trace_that_is_none_are_no_obstacle(site: Site) -> None:
    record = Record.of(note("sound"))
    more = (("ce_foo", b"\xff\xfe" * 5000), ("traceparent", b"\xff"), ("x-binary", b"\x00\xff"))
    await site.publish(site.events, Record(record.key, record.value, (*record.headers, *more)))
    async with running(listening(site)):
        await eventually(lambda: _notes(site, 1))
    assert await site.dead(site.events) == []


async def _one_batch(site: Site, codec: int, messages: list[Envelope[Body]]) -> int:
    """Publishes the messages in one batch, the second one behind a record that no client reads. Its partition."""
    records = [Record.of(message) for message in messages]
    key, value, headers = UNREADABLE
    async with AIOKafkaProducer(bootstrap_servers=site.settings.kafka_bootstrap) as producer:
        builder = _DefaultRecordBatchBuilderPy(
            magic=2,
            compression_type=codec,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=16_384,
        )
        batch = producer.create_batch()
        batch._builder = builder
        rows = [(record.key, record.value, list(record.headers)) for record in records]
        for row in (rows[0], (key, value, headers), *rows[1:]):
            batch.append(key=row[0], value=row[1], timestamp=None, headers=row[2])
        batch.close()
        partitions = sorted(await producer.partitions_for(site.events.name))
        partition: int = producer._partition(site.events.name, None, None, None, records[0].key, records[0].value)
        assert partition in partitions
        await (await producer.send_batch(batch, site.events.name, partition=partition))
    return partition


async def _notes(site: Site, count: int) -> bool:
    return len(await site.notes(TENANT)) == count
