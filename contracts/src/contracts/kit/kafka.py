"""How this project's Kafka clients are made."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.abc import AbstractTokenProvider
from aiokafka.client import AIOKafkaClient
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLScram256, SASLScram512

from contracts.kit.servers import KafkaSettings

type KafkaRecord = ConsumerRecord[Any, Any]

ANSWER_S = 15
"""How long a broker may take to answer."""
ACKNOWLEDGED_S = 60
"""How long a producer is waited for: one whose password was changed tries for ever, and another one takes its place."""


def make_producer(servers: KafkaSettings, client_id: str) -> AIOKafkaProducer:
    """A producer whose acknowledged messages are durable and, while it lives, neither duplicated nor reordered."""
    return AIOKafkaProducer(
        bootstrap_servers=servers.kafka_bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=131_072,
        request_timeout_ms=15_000,
        max_request_size=1_048_576,
        **client_options(servers),
    )


@asynccontextmanager
async def connected(servers: KafkaSettings) -> AsyncGenerator[AIOKafkaClient]:
    """A client for single requests; raises `KafkaError` when no broker answers."""
    client = AIOKafkaClient(bootstrap_servers=servers.kafka_bootstrap, **client_options(servers))
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()


def client_options(servers: KafkaSettings) -> dict[str, Any]:
    """Of any client of aiokafka: TLS, and who we are, as the files say now."""
    return parse_security(security(servers)) | token_options(servers)


def token_options(servers: KafkaSettings) -> dict[str, Any]:
    """What FastStream takes beside `security`."""
    return {"sasl_oauth_token_provider": _Token(servers)} if servers.kafka_sasl == "OAUTHBEARER" else {}


def security(servers: KafkaSettings) -> BaseSecurity:
    """As FastStream takes it. The password of a client that is there stays what it was: brokers check it as clients
    connect, and a client that is refused is replaced.
    """
    tls = servers.kafka_tls_context()
    match servers.kafka_sasl:
        case None:
            return BaseSecurity(ssl_context=tls)
        case "OAUTHBEARER":
            return SASLOAuthBearer(ssl_context=tls)
        case "SCRAM-SHA-256":
            return SASLScram256(servers.kafka_user or "", servers.kafka_secret(), ssl_context=tls)
        case "SCRAM-SHA-512":
            return SASLScram512(servers.kafka_user or "", servers.kafka_secret(), ssl_context=tls)


class _Token(AbstractTokenProvider):  # type: ignore[misc]
    """The token of each connection, as it is in its file then."""

    def __init__(self, servers: KafkaSettings) -> None:
        self._servers = servers

    async def token(self) -> str:
        return self._servers.kafka_secret()
