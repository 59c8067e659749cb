"""Creates topics: the broker makes none by itself."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.topics import Topic


async def create_topics(bootstrap: str, topics: Iterable[Topic]) -> list[str]:
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


def _new_topic(topic: Topic) -> NewTopic:
    settings = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
    return NewTopic(topic.name, topic.partitions, replication_factor=1, topic_configs=settings)
