"""From a commit to a consumer that sees the event, a hundred times a second, beside a raw Kafka round trip."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.figures import Row, at_most_more, in_turns, p50
from bench.world import Shop, World, beside, open_shop, stage_changed
from contracts.envelope import Envelope, Record
from contracts.kit.broker import Subscription
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import Connection
from contracts.kit.kafka import make_producer
from contracts.kit.servers import KafkaSettings
from contracts.kit.service import Service
from contracts.messages.entity_events import StageChanged
from contracts.topics import ENTITY_EVENTS, Topic
from entity_service.application import Changes, make_changes
from entity_service.domain.items import Place
from entity_service.messages import Actor
from local_stack.topics import create_topics
from support.waiting import eventually

PER_SECOND, SECONDS, ROUNDS = 100, 5, 3
DEALS = 500
ADA = Actor(by="ada")


@dataclass
class Sights:
    """When messages left and when they were seen, by a name for each."""

    left: dict[Any, float] = field(default_factory=dict)
    seen: dict[Any, float] = field(default_factory=dict)

    async def delays(self) -> list[float]:
        """Milliseconds per message, once all were seen."""

        async def all_seen() -> bool:
            return self.left.keys() <= self.seen.keys()

        await eventually(all_seen, "the last event")
        return [(self.seen[name] - at) * 1000 for name, at in self.left.items()]


@dataclass(frozen=True)
class Ours:
    """entity-service's changes and relay, and a consumer made with the kit."""

    service: Service
    changes: Changes
    tenant: UUID
    deals: Sequence[UUID]
    sights: Sights

    async def send(self, number: int) -> None:
        """Moves a deal and notes when that was committed."""
        deal = self.deals[number % len(self.deals)]
        async with self.service.database.transaction(self.tenant) as tx:
            item = await self.changes.items.lock(tx, self.tenant, deal)
            stage = "offer" if item.stage == "talks" else "talks"
            moved = await self.changes.items.move(tx, item, Place("sales", stage), ADA)
        self.sights.left[deal, moved.entry_seq] = perf_counter()


@asynccontextmanager
async def open_ours(shop: Shop) -> AsyncGenerator[Ours]:
    service = Service("entity-service", shop.settings.model_copy(update={"http_port": 1}))
    sights = Sights()

    async def see(events: Sequence[Envelope[Any]], _: None, __: Connection) -> None:
        now = perf_counter()
        sights.seen |= {(event.data.item.id, event.data.entry_seq): now for event in events}

    service.consume(Subscription(topics=(ENTITY_EVENTS,), bodies=(StageChanged,), handle=see))
    deals = await shop.deals(DEALS)
    await shop.closes()
    app = service.app("bench", [])
    async with app.router.lifespan_context(app):
        yield Ours(
            service, make_changes(service.outbox, utc_now, new_id, "http://localhost"), shop.tenant, deals, sights
        )


@dataclass(frozen=True)
class Raw:
    """A producer and a consumer, with the settings that ours have."""

    topic: Topic
    producer: AIOKafkaProducer
    record: Record
    sights: Sights

    async def send(self, number: int) -> None:
        key = f"{number}".encode()
        self.sights.left[key] = perf_counter()
        record = self.record
        await self.producer.send_and_wait(self.topic.name, record.value, key=key, headers=list(record.headers))

    async def consume(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=500, max_records=500)
            now = perf_counter()
            self.sights.seen |= {record.key: now for records in batches.values() for record in records}
            if batches:
                await consumer.commit()


@asynccontextmanager
async def open_raw(kafka: str, record: Record) -> AsyncGenerator[Raw]:
    topic = Topic(f"bench.{uuid4().hex}", "bench", ())
    await create_topics(kafka, [topic])
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka, group_id=topic.name, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    async with make_producer(KafkaSettings(kafka_bootstrap=kafka), "bench") as producer, consumer:
        raw = Raw(topic, producer, record, Sights())
        async with beside(raw.consume(consumer)):
            yield raw


async def paced(send: Callable[[int], Coroutine[Any, Any, None]], first: int) -> None:
    """So many a second, however long each takes."""
    started = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(PER_SECOND * SECONDS):
            await asyncio.sleep(started + number / PER_SECOND - asyncio.get_running_loop().time())
            group.create_task(send(first + number))


async def measure(world: World) -> list[Row]:
    async with open_shop(world) as shop, open_ours(shop) as ours:
        record = Record.of(stage_changed(shop.tenant, uuid4(), "talks"))
        async with open_raw(world.kafka.address, record) as raw:
            numbers = iter(range(0, 10**9, PER_SECOND * SECONDS))

            async def typical(of: Ours | Raw) -> float:
                await paced(of.send, next(numbers))
                delays = await of.sights.delays()
                of.sights.left.clear()
                return p50(delays)

            await typical(raw)
            await typical(ours)
            with world.report.step(f"events: {PER_SECOND} a second", ROUNDS) as done:
                floor, mine = await in_turns(ROUNDS, lambda: typical(raw), lambda: typical(ours), done)
    name = f"events: commit to consumer, {PER_SECOND} a second, p50"
    return [at_most_more(10, name, floor, mine, "ms")]
