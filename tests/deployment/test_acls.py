"""The access lists on a broker that keeps to them: whoever is not in the table is refused."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from contracts.acls import SERVICES, Acl, of_others
from contracts.catalogue import publishers
from contracts.kit.kafka import client_options, make_producer
from contracts.kit.servers import KafkaSettings
from contracts.topics import (
    COMMS_COMMANDS,
    DEAD_LETTER_TOPICS,
    ENTITY_COMMANDS,
    ENTITY_EVENTS,
    EXTERNAL_EVENTS,
    TOPICS,
    Topic,
    dead_letter_topic,
)
from integration.kit.harness import Harness, note, own_harness, running
from integration.kit.test_service import tell, writing_down
from local_stack.access import allow, allow_services
from local_stack.certificates import Authority
from local_stack.ports import free_port
from local_stack.servers import Secured
from local_stack.testing import PrivateServers
from local_stack.topics import create_topics
from support.waiting import eventually

pytestmark = pytest.mark.verify

OTHER, STRANGER, PROBE = "billing", "stranger", "probe"


@dataclass(frozen=True)
class Broker:
    plain: str
    port: int
    authority: Authority
    certificate: tuple[Path, Path]
    password: Path

    def as_user(self, user: str) -> KafkaSettings:
        return KafkaSettings(
            kafka_bootstrap=f"localhost:{self.port}",
            kafka_tls=True,
            kafka_ca_file=self.authority.file,
            kafka_cert_file=self.certificate[0],
            kafka_key_file=self.certificate[1],
            kafka_sasl="SCRAM-SHA-512",
            kafka_user=user,
            kafka_secret_file=self.password,
        )


@pytest_asyncio.fixture(scope="module")
async def broker(session_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Broker]:
    tmp_path = tmp_path_factory.mktemp("broker")
    servers = PrivateServers(session_folder / "authorized")
    authority = Authority(tmp_path)
    certificate, key = authority.sign("broker")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    users = dict.fromkeys((*SERVICES, OTHER, STRANGER, PROBE), "a word")
    secured = Secured(free_port(), both, authority.file, users, authorized=True)
    (tmp_path / "password").write_text("a word")
    kafka = await asyncio.to_thread(servers.kafka, secured=secured)
    made = Broker(kafka.address, secured.port, authority, authority.sign("client"), tmp_path / "password")
    await create_topics(kafka.address, (*TOPICS, *DEAD_LETTER_TOPICS))
    await allow_services(kafka.address)
    await allow(made.plain, of_others(OTHER))
    yield made
    servers.close()


async def writable(servers: KafkaSettings, topics: Iterable[str]) -> set[str]:
    """The topics that take a message of this account."""
    producer = make_producer(servers, "test")
    taken: set[str] = set()
    try:
        await producer.start()
        for topic in topics:
            try:
                await producer.send_and_wait(topic, b"{}", key=b"k")
            except TopicAuthorizationFailedError:
                continue
            taken.add(topic)
    except ClusterAuthorizationFailedError:  # one that may write nothing is not even numbered
        pass
    finally:
        await producer.stop()
    return taken


async def may_write(servers: KafkaSettings, topics: list[str], expected: set[str]) -> None:
    """A broker takes up new access lists a moment after it has them."""

    async def as_expected() -> bool:
        return await writable(servers, topics) == expected

    await eventually(as_expected, f"{servers.kafka_user} as the table says", 60)


@asynccontextmanager
async def consuming(servers: KafkaSettings, topic: Topic, group: str) -> AsyncGenerator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers.kafka_bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **client_options(servers),
    )
    consumer.subscribe([topic.name])
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def test_each_account_writes_what_the_table_says_and_nothing_else(broker: Broker) -> None:
    every = [topic.name for topic in (*TOPICS, *DEAD_LETTER_TOPICS)]
    for service in SERVICES:
        published = {topic.name for topic in TOPICS if service in publishers(topic)}
        dead = {dead_letter_topic(topic.name, service) for topic in TOPICS if service in topic.groups}
        await may_write(broker.as_user(service), every, published | dead)
    await may_write(broker.as_user(OTHER), every, {EXTERNAL_EVENTS.name})
    assert await writable(broker.as_user(STRANGER), every) == set()


async def test_other_teams_read_events_in_groups_of_their_own(broker: Broker) -> None:
    await may_write(broker.as_user("entity-service"), [ENTITY_EVENTS.name], {ENTITY_EVENTS.name})
    other = broker.as_user(OTHER)
    async with consuming(other, ENTITY_EVENTS, "billing.invoices") as consumer:
        assert (await consumer.getone()).value == b"{}"
    with pytest.raises(GroupAuthorizationFailedError):
        async with consuming(other, ENTITY_EVENTS, "rule-engine") as consumer:
            await consumer.getone()
    for hidden in (ENTITY_COMMANDS, COMMS_COMMANDS):
        with pytest.raises(TopicAuthorizationFailedError):
            async with consuming(other, hidden, "billing.invoices") as consumer:
                await consumer.getone()


async def test_a_service_needs_no_more_than_the_table_gives_it(broker: Broker, postgres: str, tmp_path: Path) -> None:
    """Relay, group, offsets and dead letters of a real service, whose topics are of the test."""
    async with own_harness(postgres, broker.plain, tmp_path / "jwks.json") as harness:
        await allow(broker.plain, of_probe(harness))
        account = broker.as_user(PROBE).model_dump(exclude={"plaintext_allowed"})
        async with running(writing_down(harness, harness.service(**account))) as service:
            await tell(service, harness, "by its outbox")
            await harness.publish(harness.events, note("by another"))
            await eventually(lambda: _has(harness, ["by another", "by its outbox"]))


def of_probe(harness: Harness) -> list[Acl]:
    """As for services: it writes and reads its events."""
    return [
        Acl(PROBE, "topic", harness.events.name, ("Write", "Read", "Describe")),
        Acl(PROBE, "topic", dead_letter_topic(harness.events.name, harness.name), ("Write", "Describe")),
        Acl(PROBE, "group", harness.name, ("Read",)),
    ]


async def _has(harness: Harness, texts: list[str]) -> bool:
    return sorted(await harness.notes()) == texts
