"""What was put aside on a stack."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import DEAD_LETTER_TOPICS
from local_stack.demo.shop import Shop


def dead_letters(shop: Shop) -> dict[str, int]:
    """How many messages were ever put aside, by topic."""
    return asyncio.run(_ends_of_dead_letter_topics(shop.stack.addresses.address("kafka")))


async def _ends_of_dead_letter_topics(bootstrap: str) -> dict[str, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, part) for topic in DEAD_LETTER_TOPICS for part in range(topic.partitions)]
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {place.topic: end for place, end in ends.items() if end}
