"""Creates topics: the broker makes none by itself."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic


class TopicSpec(Protocol):
    """What `contracts.topics` says about a topic."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def retention(self) -> timedelta | None: ...
    @property
    def cleanup(self) -> str: ...


async def create_topics(bootstrap: str, topics: Iterable[TopicSpec]) -> list[str]:
    """Creates those that are missing, with one replica; returns their names. Existing topics are left as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [_new_topic(topic) for topic in topics if topic.name not in existing]
        if missing:
            await admin.create_topics(missing)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


def _new_topic(topic: TopicSpec) -> NewTopic:
    kept = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    settings = {"cleanup.policy": topic.cleanup, "retention.ms": str(kept)}
    return NewTopic(topic.name, topic.partitions, replication_factor=1, topic_configs=settings)
