"""A probe: the smallest service on the kit, its messages, and what tests need to watch it from outside."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from contracts.decoding import decode
from contracts.envelope import Body, Cause, Envelope, Record, event
from contracts.kit.broker import Subscription, each
from contracts.kit.clock import Clock, new_id, utc_now
from contracts.kit.database import Connection
from contracts.kit.quotas import Quota
from contracts.kit.service import Service
from contracts.kit.settings import ServiceSettings
from contracts.messages.results import RESULTS
from contracts.topics import Topic, dead_letter_topic, item_key
from integration.kit.probe_database import drop_probe, migrate_probe
from local_stack.databases import Database, create_database
from local_stack.topics import create_topics
from support import messages
from support.kafka_probe import send
from support.service_environment import dsn_of, free_ports, run_sql
from support.waiting import eventually

TENANT = UUID("00000000-0000-7000-8000-00000000000a")
OTHER_TENANT = UUID("00000000-0000-7000-8000-00000000000b")
_STREAMS = ("events", "commands", "results")
_RESULTS = {body.TYPE: body for body in RESULTS}


class NoteWritten(Body):
    """A fact of the probe."""

    TYPE: ClassVar[str] = "test.note.written.v1"

    text: str


class WriteNote(Body):
    """A command of the probe."""

    TYPE: ClassVar[str] = "test.note.write.v1"

    text: str


def note(text: str, *, item: str = "1", tenant: UUID = TENANT, id: UUID | None = None, **more: Any) -> Envelope[Body]:
    attributes: dict[str, Any] = {"source": "test", "time": utc_now(), "key": item_key(tenant, item), **more}
    return event(NoteWritten(text=text), id=id or new_id(), tenant=tenant, **attributes)


def order(
    body: Body, *, item: str = "1", tenant: UUID = TENANT, id: UUID | None = None, causepath: tuple[Cause, ...] = ()
) -> Envelope[Body]:
    """A command from somebody called `test`."""
    return messages.order(body, tenant, item, id=id, causes=causepath, issuer="test")


async def add_note(tx: Connection, tenant: UUID, text: str) -> None:
    await tx.execute("INSERT INTO notes (tenant_id, text) VALUES ($1, $2)", tenant, text)


def ports() -> dict[str, int]:
    """Settings of a service's two listeners."""
    return dict(zip(("http_port", "internal_port"), free_ports(), strict=True))


@dataclass(frozen=True)
class Harness:
    """A service's name, database and topics, all of one test alone, and how to look at them from outside."""

    name: str
    settings: ServiceSettings
    superuser_dsn: str
    events: Topic
    commands: Topic
    results: Topic

    def service(
        self, *, clock: Clock = utc_now, quotas: Sequence[Quota] = (), api_only: bool = False, **changes: Any
    ) -> Service:
        """A service on this harness; each has ports, and with them an instance name, of its own."""
        settings = self.settings.model_copy(update=ports() | changes)
        return Service(self.name, settings, clock=clock, quotas=quotas, api_only=api_only)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Runs a statement as the superuser, whom row-level security does not bind."""
        return await run_sql(self.superuser_dsn, statement, *arguments)

    async def notes(self, tenant: UUID = TENANT) -> list[str]:
        """The texts in the order of their writing."""
        rows = await self.sql("SELECT text FROM notes WHERE tenant_id = $1 ORDER BY position", tenant)
        return [row["text"] for row in rows]

    async def publish(self, topic: Topic, *messages: Envelope[Body] | Record) -> None:
        """Sends messages to the broker as another service would, one after another."""
        async with AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap, acks="all") as producer:
            for message in messages:
                await send(producer, topic, message if isinstance(message, Record) else Record.of(message))

    async def records(self, topic: Topic) -> list[ConsumerRecord[Any, Any]]:
        """Everything in a topic, in order per partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        async with consumer:
            places = assign_all(consumer, topic)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            found: list[ConsumerRecord[Any, Any]] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                batches = await consumer.getmany(timeout_ms=200)
                found += [record for batch in batches.values() for record in batch]
        return found

    async def answers(self) -> list[Envelope[Any]]:
        """All results published so far."""
        envelopes = [decode(record.headers, record.value) for record in await self.records(self.results)]
        return [
            envelope.with_data(_RESULTS[envelope.type].model_validate_json(envelope.data)) for envelope in envelopes
        ]

    async def texts(self, topic: Topic | None = None) -> list[str]:
        """The texts of the notes in a topic."""
        records = await self.records(topic or self.events)
        return [NoteWritten.model_validate_json(record.value).text for record in records]

    async def dead(self, topic: Topic) -> list[ConsumerRecord[Any, Any]]:
        return await self.records(self._dead_letters(topic))

    async def committed(self, topic: Topic) -> int:
        """How many records of a topic the service's group has put behind it."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap, group_id=self.name, enable_auto_commit=False
        )
        async with consumer:
            return sum([await consumer.committed(place) or 0 for place in assign_all(consumer, topic)])

    async def until_committed(self, count: int) -> None:
        """Waits until the group has put so many events behind it."""

        async def look() -> bool:
            return await self.committed(self.events) == count

        await eventually(look, f"offset {count}")

    async def until_notes(self, *texts: str) -> None:
        """Waits until these notes are written, in this order."""

        async def look() -> bool:
            return await self.notes() == list(texts)

        await eventually(look, f"notes {texts}")

    async def until_answers(self, count: int) -> list[Envelope[Any]]:
        """Waits until so many results are published, and returns them."""

        async def look() -> list[Envelope[Any]]:
            answers = await self.answers()
            return answers if len(answers) == count else []

        return await eventually(look, f"{count} answers")

    def _dead_letters(self, topic: Topic) -> Topic:
        return Topic(dead_letter_topic(topic.name, self.name), self.name, (), partitions=1)

    async def make_topics(self) -> None:
        """Three, and where each one's dead letters go."""
        streams = (self.events, self.commands, self.results)
        await create_topics(self.settings.kafka_bootstrap, [*streams, *map(self._dead_letters, streams)])

    async def remove_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        await admin.start()
        await admin.delete_topics([topic for topic in await admin.list_topics() if f".{self.name}." in topic])
        await admin.close()


def assign_all(consumer: AIOKafkaConsumer, topic: Topic) -> list[TopicPartition]:
    """All partitions of a topic, assigned to the consumer."""
    places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    consumer.assign(places)
    return places


def harness_on(database: Database, postgres: str, kafka: str, keys: Path) -> Harness:
    """Called as its database is, with topics of that name, which are not made yet."""
    name = database.name.replace("_", "-")
    settings = ServiceSettings(
        database_url=SecretStr(database.app_url),
        database_owner_url=SecretStr(database.owner_url),
        database_pool=4,
        kafka_bootstrap=kafka,
        auth_jwks_file=keys,
        auth_issuer="https://id.example.com",
        auth_audience="stagewright",
        drain_s=10,
        log_level="WARNING",
    )
    streams = [Topic(f"test.{name}.{stream}.v1", name, (name,), partitions=3) for stream in _STREAMS]
    return Harness(name, settings, dsn_of(postgres, database.name), *streams)


@asynccontextmanager
async def own_harness(postgres: str, kafka: str, keys: Path) -> AsyncGenerator[Harness]:
    """For servers that are killed, and for who takes tables away: a database and topics that nobody had before."""
    database = await create_database(postgres, f"probe-{uuid4().hex[:12]}")
    await migrate_probe(database)
    harness = harness_on(database, postgres, kafka, keys)
    await harness.make_topics()
    yield harness
    await drop_probe(postgres, database.name)


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


@asynccontextmanager
async def running(service: Service) -> AsyncGenerator[Service]:
    """The service with its consumers, relay and workers, in this process."""
    app = service.app("probe", [])
    async with app.router.lifespan_context(app):
        yield service


def by_partition(records: Sequence[ConsumerRecord[Any, Any]]) -> dict[int, list[bytes]]:
    """The values per partition, in order."""
    found: dict[int, list[bytes]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record.value)
    return found
