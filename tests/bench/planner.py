"""The planner consumes stage changes in batches, beside a raw batch consumer that does one insert per event."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from bench.engine import Engine, open_engine
from bench.figures import Row, at_least_share, published
from bench.rehearsal import bare_pool
from bench.world import Shop, World, open_shop, stage_changed
from contracts.envelope import Envelope, Record
from contracts.kit.broker import Consumer, Member, Processor
from contracts.kit.clock import utc_now
from contracts.kit.database import Connection, Pool
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.inbox import Inbox, keep_days
from contracts.kit.kafka import make_producer
from contracts.kit.servers import KafkaSettings
from contracts.topics import Topic
from local_stack.topics import create_topics
from rule_engine.gateway import TimesOf
from rule_engine.handlers.planner import planning
from support.waiting import eventually

ROUNDS, EVENTS, BATCH = 3, 5000, 500

type Insert = Callable[[Connection, Sequence[ConsumerRecord[Any, Any]]], Awaitable[None]]


@dataclass
class Cycles:
    """When batches began; whole cycles are counted, from the beginning of one batch to that of another."""

    began: list[tuple[float, int]] = field(default_factory=list)
    over: bool = False

    def begin(self, count: int) -> None:
        self.began.append((perf_counter(), count))

    async def end(self) -> float:
        """Events a second, once all have come."""

        async def all_came() -> bool:
            return sum(count for _, count in self.began) >= EVENTS

        await eventually(all_came, "the last batch")
        self.over = True
        return sum(count for _, count in self.began[:-1]) / (self.began[-1][0] - self.began[0][0])


async def measure(world: World) -> list[Row]:
    async with (
        open_shop(world) as shop,
        open_engine(world, shop) as engine,
        bare_pool(engine.settings.database_owner_url, 1) as pool,
    ):
        await keep_days(engine.database, engine.settings.inbox_days)
        found: dict[str, list[float]] = {"ours": [], "one by one": [], "at once": []}
        with world.report.step(f"planner: {EVENTS} stage changes in batches of {BATCH}", ROUNDS) as done:
            for _ in range(ROUNDS):
                topic = await _filled_topic(world.kafka.address, shop)
                found["one by one"].append(await _bare(topic, world.kafka.address, pool, _one_by_one))
                found["ours"].append(await _ours(topic, engine))
                found["at once"].append(await _bare(topic, world.kafka.address, pool, _at_once))
                done()
    ours, one_by_one, at_once = (median(found[name]) for name in ("ours", "one by one", "at once"))
    name = "planner: entries in batches"
    return [
        at_least_share(0.5, name, one_by_one, ours, "events/s"),
        published(f"{name}; floor one executemany a batch", ours, "events/s", at_once),
    ]


async def _filled_topic(kafka: str, shop: Shop) -> Topic:
    """A topic of its own, full of first events of as many deals."""
    topic = Topic(f"bench.{uuid4().hex}", "bench", ())
    await create_topics(kafka, [topic])
    async with make_producer(KafkaSettings(kafka_bootstrap=kafka), "bench") as producer:
        for _ in range(EVENTS):
            record = Record.of(stage_changed(shop.tenant, uuid4(), "waiting"))
            await producer.send(topic.name, record.value, key=record.key, headers=list(record.headers))
    return topic


async def _ours(topic: Topic, engine: Engine) -> float:
    """The kit's consumer with the engine's planner."""
    cycles, planned = Cycles(), planning(engine.planner)

    async def prefetch(events: Sequence[Envelope[Any]]) -> TimesOf:
        cycles.begin(len(events))
        return await engine.planner.prefetch(events)

    processor = Processor(
        replace(planned, topics=(topic,), prefetch=prefetch),
        engine.database,
        Inbox("rule-engine", engine.settings.inbox_days, utc_now),
        DeadLetters("rule-engine", lambda: make_producer(engine.settings, "bench"), engine.database),
    )
    consumer = Consumer(processor, Member(engine.settings, topic.name, topic.name))
    consuming = asyncio.create_task(consumer.run())
    per_second = await cycles.end()
    consumer.stop()
    await consuming
    return per_second


async def _bare(topic: Topic, kafka: str, pool: Pool, insert: Insert) -> float:
    """A transaction and an offset commit per batch, and nothing else."""
    cycles, group = Cycles(), f"{topic.name}-{insert.__name__}"
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await pool.execute("CREATE TABLE IF NOT EXISTS bare (key bytea, value bytea)")
    async with consumer, asyncio.TaskGroup() as tasks:
        tasks.create_task(_consume(consumer, pool, cycles, insert))
        return await cycles.end()


async def _consume(consumer: AIOKafkaConsumer, pool: Pool, cycles: Cycles, insert: Insert) -> None:
    """Ends by itself: the driver never comes back from an `executemany` that is cancelled in its midst."""
    while not cycles.over:
        batches = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if records:
            cycles.begin(len(records))
            async with pool.acquire() as connection, connection.transaction():
                await insert(connection, records)
            await consumer.commit()


async def _one_by_one(tx: Connection, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
    for record in records:
        await tx.execute("INSERT INTO bare (key, value) VALUES ($1, $2)", record.key, record.value)


async def _at_once(tx: Connection, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
    rows = [(record.key, record.value) for record in records]
    await tx.executemany("INSERT INTO bare (key, value) VALUES ($1, $2)", rows)
