"""The relay on a real broker: order, fail-over, kills, and rows that the broker refuses."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.envelope import MAX_BODY, Envelope
from contracts.kit import outbox
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection, Database, OwnConnection
from contracts.kit.errors import PayloadTooLargeError
from contracts.kit.kafka import make_producer
from contracts.kit.outbox import BATCH, Outbox, Relay
from contracts.topics import Topic
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, NoteWritten, add_note, note, running
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


class KilledError(BaseException):
    """Stands for `kill -9`: nothing in the kit catches it."""


class Killable[T]:
    """Hands every call on to `inner`; `blow` is asked before each and may raise."""

    def __init__(self, inner: T, blow: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._inner = inner
        self._blow = blow

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            self._blow(name, arguments)
            return await found(*arguments, **named)

        return call


@asynccontextmanager
async def opened(harness: Harness) -> AsyncGenerator[Database]:
    database = harness.service().database
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def producers(harness: Harness, blow: Callable[[str, tuple[Any, ...]], None] = lambda *_: None) -> Callable[[], Any]:
    return lambda: Killable[AIOKafkaProducer](make_producer(harness.settings, "relay"), blow)


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncGenerator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def write_under_lock(database: Database, harness: Harness, item: int, times: int) -> None:
    """Writes `item:0`, `item:1`, … like a service does: the aggregate is locked before the outbox is written."""
    for _ in range(times):
        async with database.transaction(TENANT) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", item)
            count = await tx.fetchval("SELECT count(*) FROM notes WHERE text = $1", str(item))
            await add_note(tx, TENANT, str(item))
            await Outbox().put(tx, harness.events, note(f"{item}:{count}", item=str(item)))


async def pending(harness: Harness) -> int:
    return int((await harness.sql("SELECT count(*) AS n FROM outbox"))[0]["n"])


def first_publications(texts: list[str]) -> dict[str, list[int]]:
    """The numbers of each item in the order in which they were published for the first time."""
    found: dict[str, list[int]] = {}
    for text in dict.fromkeys(texts):
        item, number = text.split(":")
        found.setdefault(item, []).append(int(number))
    return found


@pytest.mark.invariant(8)
async def test_messages_of_an_item_are_published_in_the_order_of_their_commits(harness: Harness) -> None:
    async with opened(harness) as database, relaying(Relay(database, producers(harness))):
        writers = [write_under_lock(database, harness, item, 10) for item in (1, 2, 3, 1, 2, 3)]
        await asyncio.gather(*writers)
        await eventually(lambda: _drained(harness))
    assert first_publications(await harness.texts()) == {item: list(range(20)) for item in ("1", "2", "3")}
    assert len(await harness.texts()) == 60


@pytest.mark.invariant(8)
async def test_the_order_holds_when_one_relay_dies_and_another_takes_over(harness: Harness) -> None:
    batches = 0

    def die_at_the_second_batch(name: str, _: tuple[Any, ...]) -> None:
        nonlocal batches
        batches += name == "send_batch"
        if batches == 2:
            raise KilledError

    async with opened(harness) as database:
        first = asyncio.create_task(Relay(database, producers(harness, die_at_the_second_batch)).run())
        await write_under_lock(database, harness, 1, 1)
        await eventually(lambda: _drained(harness))
        async with relaying(Relay(database, producers(harness))):
            await asyncio.gather(*(write_under_lock(database, harness, item, 25) for item in (1, 2, 3)))
            await eventually(lambda: _drained(harness))
        assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], KilledError)
    counts = {"1": 26, "2": 25, "3": 25}
    assert first_publications(await harness.texts()) == {item: list(range(count)) for item, count in counts.items()}


async def test_a_relay_killed_between_publishing_and_deleting_publishes_again_and_consumers_notice(
    harness: Harness,
) -> None:
    def die_before_deleting(_: str, arguments: tuple[Any, ...]) -> None:
        if arguments and str(arguments[0]).startswith("DELETE"):
            raise KilledError

    service = harness.service()

    class KillableDatabase(Database):
        async def delivery_connection(self) -> OwnConnection:
            return Killable(await super().delivery_connection(), die_before_deleting)  # type: ignore[return-value]

    doomed = KillableDatabase(service.settings, service=service.name)
    async with opened(harness) as database:
        async with database.transaction(TENANT) as tx:
            await Outbox().put(tx, harness.events, note("one"), note("two"))
        with pytest.raises(KilledError):
            await Relay(doomed, producers(harness)).run()

    async def on_note_written(message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)

    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: on_note_written}))
    )
    async with running(service):
        await eventually(lambda: _drained(harness))
        await harness.until_committed(4)
    assert await harness.texts() == ["one", "two", "one", "two"]
    assert await harness.notes() == ["one", "two"]


@pytest.mark.invariant(8)
async def test_beside_a_tenant_with_thousands_of_rows_another_ones_are_in_the_next_batch(harness: Harness) -> None:
    async with opened(harness) as database:
        for first in range(0, 4_000, 1_000):
            many = [note(f"{n % 20}:{n // 20}", item=str(n % 20)) for n in range(first, first + 1_000)]
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, harness.events, *many)
        async with database.transaction(OTHER_TENANT) as tx:
            few = [note(f"b:{n}", item="b", tenant=OTHER_TENANT) for n in range(3)]
            await Outbox().put(tx, harness.events, *few)
        theirs = {
            row["id"] for row in await harness.sql("SELECT id FROM outbox WHERE key LIKE $1", f"{OTHER_TENANT}:%")
        }
        batches: list[set[int]] = []

        def note_the_batch(_: str, arguments: tuple[Any, ...]) -> None:
            if arguments and str(arguments[0]).startswith("DELETE"):
                batches.append(set(arguments[-1]))

        noting = harness.service().database
        noting.delivery_connection = _watched(noting, note_the_batch)  # type: ignore[method-assign]
        async with relaying(Relay(noting, producers(harness))):
            await eventually(lambda: _drained(harness))
    assert theirs <= batches[0]
    assert max(map(len, batches)) <= BATCH
    items = {str(item): list(range(200)) for item in range(20)}
    assert first_publications(await harness.texts()) == items | {"b": [0, 1, 2]}


async def test_reading_by_tenant_beside_a_hundred_thousand_rows_reads_a_few_pages(harness: Harness) -> None:
    await harness.sql(
        "INSERT INTO outbox (shard, lane, topic, key, value, headers)"
        " SELECT n % 8, 1, 't', '1:' || n % 1000, 'x', '[]' FROM generate_series(1, 100000) AS n"
    )
    await harness.sql(
        "INSERT INTO outbox (shard, lane, topic, key, value, headers) VALUES (3, 2, 't', '2:1', 'x', '[]')"
    )
    for statistics in ("none", "fresh"):
        if statistics == "fresh":
            await harness.sql("ANALYZE outbox")
        (row,) = await harness.sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {outbox.ROWS_BY_TENANT}", list(range(8)), BATCH
        )
        plan = json.loads(row[0])[0]["Plan"]
        assert BATCH / 2 < plan["Actual Rows"] <= BATCH, statistics
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1_500, statistics


async def test_a_message_no_broker_would_take_is_refused_when_it_is_written(harness: Harness) -> None:
    async with opened(harness) as database:
        with pytest.raises(PayloadTooLargeError, match=rf"has \d+ bytes; the limit is {MAX_BODY}"):
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, harness.events, note("x" * MAX_BODY))
    assert await pending(harness) == 0


async def test_the_largest_message_that_is_accepted_is_also_published(harness: Harness) -> None:
    async with opened(harness) as database, relaying(Relay(database, producers(harness))):
        async with database.transaction(TENANT) as tx:
            await Outbox().put(tx, harness.events, note("x" * (MAX_BODY - 20)))
        await eventually(lambda: _drained(harness))
    assert [len(text) for text in await harness.texts()] == [MAX_BODY - 20]


@pytest.mark.invariant(10)
async def test_a_row_the_broker_refuses_parks_its_key_and_nothing_else(harness: Harness) -> None:
    small = await _topic_with_limit(harness, 2_000)
    async with opened(harness) as database, relaying(Relay(database, producers(harness))):
        for text, item in (
            ("1:before", "1"),
            ("x" * 5_000, "1"),
            ("1:after", "1"),
            ("2:before", "2"),
            ("2:after", "2"),
        ):
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, small, note(text, item=item))
        await eventually(lambda: _published(harness, small, {"1:before", "2:before", "2:after"}))
        await eventually(lambda: _outbox_is(harness, ["MessageSizeTooLargeError", None]))


async def test_a_replica_without_shards_tells_the_others_of_its_own_commits_only(harness: Harness) -> None:
    async with opened(harness) as database:
        holder, other = Relay(database, producers(harness)), Relay(database, producers(harness))
        payloads: list[str] = []
        listener = await database.delivery_connection()
        await listener.add_listener("outbox", lambda *arguments: payloads.append(str(arguments[-1])))
        async with relaying(holder):
            await eventually(lambda: _locks(harness))
            async with relaying(other):
                for n in range(3):
                    other.wake()
                    await eventually(lambda n=n: _true(len(payloads) > n))  # type: ignore[misc]
                await listener.execute("NOTIFY outbox, 'end'")
                await eventually(lambda: _true("end" in payloads))
        await listener.close()
    assert payloads == ["", "", "", "end"]


def _watched(
    database: Database, look: Callable[[str, tuple[Any, ...]], None]
) -> Callable[[], Coroutine[Any, Any, OwnConnection]]:
    """Opens connections of which every call is looked at."""
    connect = database.delivery_connection

    async def open_one() -> OwnConnection:
        return Killable(await connect(), look)  # type: ignore[return-value]

    return open_one


async def _true(it: bool) -> bool:
    return it


async def _drained(harness: Harness) -> bool:
    return await pending(harness) == 0


async def _locks(harness: Harness) -> bool:
    """Whether some relay holds all shards."""
    rows = await harness.sql(
        """SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
           WHERE locktype = 'advisory' AND classid = 7305 AND d.datname = current_database()"""
    )
    return len(rows) == 8


async def _published(harness: Harness, topic: Topic, texts: set[str]) -> bool:
    return set(await harness.texts(topic)) == texts


async def _outbox_is(harness: Harness, reasons: list[str | None]) -> bool:
    rows = await harness.sql("SELECT parked_reason FROM outbox ORDER BY id")
    return [row["parked_reason"] for row in rows] == reasons


async def _topic_with_limit(harness: Harness, limit: int) -> Topic:
    """A topic of its own whose broker refuses larger records; to change a limit takes the broker a while."""
    topic = Topic(f"test.{harness.name}.small.v1", harness.name, ())
    admin = AIOKafkaAdminClient(bootstrap_servers=harness.settings.kafka_bootstrap)
    await admin.start()
    await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, topic_configs={"max.message.bytes": str(limit)})]
    )
    await admin.close()
    return topic
