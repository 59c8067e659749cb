"""How this project's Kafka clients are made."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.client import AIOKafkaClient

type KafkaRecord = ConsumerRecord[Any, Any]

ANSWER_S = 15
"""How long a broker may take to answer."""


def make_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """A producer whose acknowledged messages are durable and, while it lives, neither duplicated nor reordered."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=131_072,
        request_timeout_ms=15_000,
        max_request_size=1_048_576,
    )


@asynccontextmanager
async def connected(bootstrap: str) -> AsyncGenerator[AIOKafkaClient]:
    """A client for single requests; raises `KafkaError` when no broker answers."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()
