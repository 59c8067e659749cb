"""Any bytes on every topic of every service: each consumer goes on, each record is there to be judged."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contract.openapi import SERVICES, SETTINGS
from contracts.catalogue import MESSAGES
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic
from local_stack.testing import PrivateServers
from local_stack.topics import create_topics
from support.malformed_records import UNREADABLE, envelope, malformed_records, strew
from support.service_environment import open_service_environment
from support.waiting import eventually

pytestmark = pytest.mark.verify

OWN = ("database_url", "kafka_bootstrap", "auth_issuer", "auth_audience")


@pytest.mark.parametrize("service", SERVICES)
async def test_any_bytes_on_any_topic_leave_a_service_running(
    service: str, postgres: str, private_servers: PrivateServers, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kafka, tenant = private_servers.kafka().address, uuid4()
    topics = [topic for topic in TOPICS if service in topic.groups]
    await create_topics(kafka, [*TOPICS, *DEAD_LETTER_TOPICS])
    sound = (b"k", b"{}", envelope(tenant))
    for topic in topics:
        type = MESSAGES[topic][0].TYPE if topic in MESSAGES else "some.others.v1"
        await strew(kafka, topic.name, 0, *malformed_records(tenant, type, service).values(), UNREADABLE, sound)
        await strew(kafka, topic.name, 5, sound)
    package = import_module(service.replace("-", "_"))
    main, Settings = (import_module(f"{package.__name__}.{room}") for room in ("main", "settings"))
    more: dict[str, Any] = {name: value for name, value in SETTINGS.items() if name not in OWN}
    more["files_dir"] = tmp_path / "files"
    if service == "rule-engine":
        more["temporal_address"] = request.getfixturevalue("temporal")
    async with open_service_environment(postgres, kafka, service, tmp_path) as service_environment:
        settings = await service_environment.settle(package, Settings.Settings, **more)
        app = main.build_app(settings)
        looking = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=service, enable_auto_commit=False)
        async with app.router.lifespan_context(app), looking:
            for topic in topics:
                await eventually(partial(read_to_its_end, looking, topic), topic.name)
        rows = await service_environment.sql(
            "SELECT topic, reason, count(*) FROM dead_letters GROUP BY 1, 2 ORDER BY 1, 2"
        )
    reasons: dict[str, set[str]] = {}
    for row in rows:
        reasons.setdefault(row["topic"], set()).add(row["reason"])
    assert reasons.keys() == {topic.name for topic in topics}
    assert all({"undecodable", "unreadable"} <= found for found in reasons.values())
    assert set().union(*reasons.values()) == {"undecodable", "unreadable", "invalid"}


async def read_to_its_end(group: AIOKafkaConsumer, topic: Topic) -> bool:
    """Whether the group has put everything in the topic behind it."""
    places = [TopicPartition(topic.name, n) for n in range(topic.partitions)]
    ends = await group.end_offsets(places)
    return all([(await group.committed(place) or 0) == ends[place] for place in places])
