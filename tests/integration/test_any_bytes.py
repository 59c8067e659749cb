"""Any bytes on every topic of every service: each consumer goes on, each record is there to be judged."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contract.openapi import SERVICES, SETTINGS
from contracts.catalogue import TYPES
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic
from local_stack.testing import PrivateServers
from local_stack.topics import create_topics
from support.premises import open_premises
from support.rubbish import UNREADABLE, envelope, rubbish, strew
from support.waiting import eventually

OWN = ("database_url", "kafka_bootstrap", "auth_issuer", "auth_audience")


@pytest.mark.parametrize("service", SERVICES)
async def test_any_bytes_on_any_topic_leave_a_service_running(
    service: str, postgres: str, temporal: str, private_servers: PrivateServers, tmp_path: Path
) -> None:
    kafka, tenant = private_servers.kafka().address, uuid4()
    topics = [topic for topic in TOPICS if service in topic.groups]
    await create_topics(kafka, [*TOPICS, *DEAD_LETTER_TOPICS])
    records = [record for type in sorted(TYPES) for record in rubbish(tenant, type).values()]
    sound = (b"k", b"{}", envelope(tenant))
    for topic in topics:
        await strew(kafka, topic.name, 0, *records, UNREADABLE, sound)
        await strew(kafka, topic.name, 5, sound)
    package = import_module(service.replace("-", "_"))
    main, Settings = (import_module(f"{package.__name__}.{room}") for room in ("main", "settings"))
    more: dict[str, Any] = {name: value for name, value in SETTINGS.items() if name not in OWN}
    more |= {"temporal_address": temporal, "files_dir": tmp_path / "files"}
    async with open_premises(postgres, kafka, service, tmp_path) as premises:
        settings = await premises.settle(package, Settings.Settings, **more)
        app = main.build_app(settings)
        async with app.router.lifespan_context(app):
            for topic in topics:
                await eventually(partial(read_to_its_end, kafka, service, topic), topic.name)
        rows = await premises.sql("SELECT topic, reason, count(*) FROM dead_letters GROUP BY 1, 2 ORDER BY 1, 2")
    reasons: dict[str, set[str]] = {}
    for row in rows:
        reasons.setdefault(row["topic"], set()).add(row["reason"])
    assert reasons.keys() == {topic.name for topic in topics}
    assert all(found >= {"undecodable", "invalid", "unreadable"} for found in reasons.values())
    assert all("failed" not in found for found in reasons.values())


async def read_to_its_end(kafka: str, group: str, topic: Topic) -> bool:
    """Whether the group has put everything in the topic behind it."""
    places = [TopicPartition(topic.name, n) for n in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False) as consumer:
        ends = await consumer.end_offsets(places)
        return all([(await consumer.committed(place) or 0) == ends[place] for place in places])
