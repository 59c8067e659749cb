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
from integration.kit.harness import OTHER_TENANT, TENANT, NoteWritten, Site, add_note, note, running
from support.waiting import eventually


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
async def opened(site: Site) -> AsyncGenerator[Database]:
    database = site.service().database
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def producers(site: Site, blow: Callable[[str, tuple[Any, ...]], None] = lambda *_: None) -> Callable[[], Any]:
    return lambda: Killable[AIOKafkaProducer](make_producer(site.settings.kafka_bootstrap, "relay"), blow)


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncGenerator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def write_under_lock(database: Database, site: Site, item: int, times: int) -> None:
    """Writes `item:0`, `item:1`, … like a service does: the aggregate is locked before the outbox is written."""
    for _ in range(times):
        async with database.transaction(TENANT) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", item)
            count = await tx.fetchval("SELECT count(*) FROM notes WHERE text = $1", str(item))
            await add_note(tx, TENANT, str(item))
            await Outbox().put(tx, site.events, note(f"{item}:{count}", item=str(item)))


async def pending(site: Site) -> int:
    return int((await site.sql("SELECT count(*) AS n FROM outbox"))[0]["n"])


def first_publications(texts: list[str]) -> dict[str, list[int]]:
    """The numbers of each item in the order in which they were published for the first time."""
    found: dict[str, list[int]] = {}
    for text in dict.fromkeys(texts):
        item, number = text.split(":")
        found.setdefault(item, []).append(int(number))
    return found


@pytest.mark.invariant(8)
async def test_messages_of_an_item_are_published_in_the_order_of_their_commits(site: Site) -> None:
    async with opened(site) as database, relaying(Relay(database, producers(site))):
        writers = [write_under_lock(database, site, item, 10) for item in (1, 2, 3, 1, 2, 3)]
        await asyncio.gather(*writers)
        await eventually(lambda: _drained(site))
    assert first_publications(await site.texts()) == {item: list(range(20)) for item in ("1", "2", "3")}
    assert len(await site.texts()) == 60


@pytest.mark.invariant(8)
async def test_the_order_holds_when_one_relay_dies_and_another_takes_over(site: Site) -> None:
    batches = 0

    def die_at_the_second_batch(name: str, _: tuple[Any, ...]) -> None:
        nonlocal batches
        batches += name == "send_batch"
        if batches == 2:
            raise KilledError

    async with opened(site) as database:
        first = asyncio.create_task(Relay(database, producers(site, die_at_the_second_batch)).run())
        await write_under_lock(database, site, 1, 1)
        await eventually(lambda: _drained(site))
        async with relaying(Relay(database, producers(site))):
            await asyncio.gather(*(write_under_lock(database, site, item, 25) for item in (1, 2, 3)))
            await eventually(lambda: _drained(site))
        assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], KilledError)
    counts = {"1": 26, "2": 25, "3": 25}
    assert first_publications(await site.texts()) == {item: list(range(count)) for item, count in counts.items()}


async def test_a_relay_killed_between_publishing_and_deleting_publishes_again_and_consumers_notice(site: Site) -> None:
    def die_before_deleting(_: str, arguments: tuple[Any, ...]) -> None:
        if arguments and str(arguments[0]).startswith("DELETE"):
            raise KilledError

    service = site.service()

    class KillableDatabase(Database):
        async def delivery_connection(self) -> OwnConnection:
            return Killable(await super().delivery_connection(), die_before_deleting)  # type: ignore[return-value]

    doomed = KillableDatabase(service.settings, service=service.name)
    async with opened(site) as database:
        async with database.transaction(TENANT) as tx:
            await Outbox().put(tx, site.events, note("one"), note("two"))
        with pytest.raises(KilledError):
            await Relay(doomed, producers(site)).run()

    async def on_note_written(message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)

    service.consume(
        Subscription(topics=(site.events,), bodies=(NoteWritten,), handle=each({NoteWritten: on_note_written}))
    )
    async with running(service):
        await eventually(lambda: _drained(site))
        await eventually(lambda: _committed(site, 4))
    assert await site.texts() == ["one", "two", "one", "two"]
    assert await site.notes() == ["one", "two"]


@pytest.mark.invariant(8)
async def test_beside_a_tenant_with_thousands_of_rows_another_ones_are_in_the_next_batch(site: Site) -> None:
    async with opened(site) as database:
        for first in range(0, 4_000, 1_000):
            many = [note(f"{n % 20}:{n // 20}", item=str(n % 20)) for n in range(first, first + 1_000)]
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, site.events, *many)
        async with database.transaction(OTHER_TENANT) as tx:
            few = [note(f"b:{n}", item="b", tenant=OTHER_TENANT) for n in range(3)]
            await Outbox().put(tx, site.events, *few)
        theirs = {row["id"] for row in await site.sql("SELECT id FROM outbox WHERE key LIKE $1", f"{OTHER_TENANT}:%")}
        batches: list[set[int]] = []

        def note_the_batch(_: str, arguments: tuple[Any, ...]) -> None:
            if arguments and str(arguments[0]).startswith("DELETE"):
                batches.append(set(arguments[-1]))

        noting = site.service().database
        noting.delivery_connection = _watched(noting, note_the_batch)  # type: ignore[method-assign]
        async with relaying(Relay(noting, producers(site))):
            await eventually(lambda: _drained(site))
    assert theirs <= batches[0]
    assert max(map(len, batches)) <= BATCH
    items = {str(item): list(range(200)) for item in range(20)}
    assert first_publications(await site.texts()) == items | {"b": [0, 1, 2]}


async def test_reading_by_tenant_beside_a_hundred_thousand_rows_reads_a_few_pages(site: Site) -> None:
    await site.sql(
        "INSERT INTO outbox (shard, lane, topic, key, value, headers)"
        " SELECT n % 8, 1, 't', '1:' || n % 1000, 'x', '[]' FROM generate_series(1, 100000) AS n"
    )
    await site.sql("INSERT INTO outbox (shard, lane, topic, key, value, headers) VALUES (3, 2, 't', '2:1', 'x', '[]')")
    for statistics in ("none", "fresh"):
        if statistics == "fresh":
            await site.sql("ANALYZE outbox")
        (row,) = await site.sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {outbox.ROWS_BY_TENANT}", list(range(8)), BATCH
        )
        plan = json.loads(row[0])[0]["Plan"]
        assert BATCH / 2 < plan["Actual Rows"] <= BATCH, statistics
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1_500, statistics


async def test_a_message_no_broker_would_take_is_refused_when_it_is_written(site: Site) -> None:
    async with opened(site) as database:
        with pytest.raises(PayloadTooLargeError, match=rf"has \d+ bytes; the limit is {MAX_BODY}"):
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, site.events, note("x" * MAX_BODY))
    assert await pending(site) == 0


async def test_the_largest_message_that_is_accepted_is_also_published(site: Site) -> None:
    async with opened(site) as database, relaying(Relay(database, producers(site))):
        async with database.transaction(TENANT) as tx:
            await Outbox().put(tx, site.events, note("x" * (MAX_BODY - 20)))
        await eventually(lambda: _drained(site))
    assert [len(text) for text in await site.texts()] == [MAX_BODY - 20]


@pytest.mark.invariant(10)
async def test_a_row_the_broker_refuses_parks_its_key_and_nothing_else(site: Site) -> None:
    small = await _topic_with_limit(site, 2_000)
    async with opened(site) as database, relaying(Relay(database, producers(site))):
        for text, item in (
            ("1:before", "1"),
            ("x" * 5_000, "1"),
            ("1:after", "1"),
            ("2:before", "2"),
            ("2:after", "2"),
        ):
            async with database.transaction(TENANT) as tx:
                await Outbox().put(tx, small, note(text, item=item))
        await eventually(lambda: _published(site, small, {"1:before", "2:before", "2:after"}))
        await eventually(lambda: _outbox_is(site, ["MessageSizeTooLargeError", None]))


async def test_a_replica_without_shards_tells_the_others_of_its_own_commits_only(site: Site) -> None:
    async with opened(site) as database:
        holder, other = Relay(database, producers(site)), Relay(database, producers(site))
        heard: list[str] = []
        listener = await database.delivery_connection()
        await listener.add_listener("outbox", lambda *told: heard.append(str(told[-1])))
        async with relaying(holder):
            await eventually(lambda: _locks(site))
            async with relaying(other):
                for n in range(3):
                    other.wake()
                    await eventually(lambda n=n: _true(len(heard) > n))  # type: ignore[misc]
                await listener.execute("NOTIFY outbox, 'end'")
                await eventually(lambda: _true("end" in heard))
        await listener.close()
    assert heard == ["", "", "", "end"]


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


async def _drained(site: Site) -> bool:
    return await pending(site) == 0


async def _locks(site: Site) -> bool:
    """Whether some relay holds all shards."""
    rows = await site.sql(
        """SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
           WHERE locktype = 'advisory' AND classid = 7305 AND d.datname = current_database()"""
    )
    return len(rows) == 8


async def _committed(site: Site, count: int) -> bool:
    return await site.committed(site.events) == count


async def _published(site: Site, topic: Topic, texts: set[str]) -> bool:
    return set(await site.texts(topic)) == texts


async def _outbox_is(site: Site, reasons: list[str | None]) -> bool:
    rows = await site.sql("SELECT parked_reason FROM outbox ORDER BY id")
    return [row["parked_reason"] for row in rows] == reasons


async def _topic_with_limit(site: Site, limit: int) -> Topic:
    """A topic of its own whose broker refuses larger records; to change a limit takes the broker a while."""
    topic = Topic(f"test.{site.name}.small.v1", site.name, ())
    admin = AIOKafkaAdminClient(bootstrap_servers=site.settings.kafka_bootstrap)
    await admin.start()
    await admin.create_topics(
        [NewTopic(topic.name, topic.partitions, 1, topic_configs={"max.message.bytes": str(limit)})]
    )
    await admin.close()
    return topic
