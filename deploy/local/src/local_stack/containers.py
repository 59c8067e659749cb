"""The same servers as containers of the official images, for tests on a machine with a container engine."""

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from local_stack.ports import free_port

POSTGRES = "postgres:18"
KAFKA = "apache/kafka:4.1.0"
TEMPORAL = "temporalio/temporal:1.9.1"


@contextmanager
def postgres() -> Iterator[str]:
    """Yields the superuser's DSN."""
    image = DockerContainer(POSTGRES, command="-c max_connections=300", env={"POSTGRES_PASSWORD": "test"}, ports=[5432])
    ready = LogMessageWaitStrategy("database system is ready to accept connections", times=2)
    with image.waiting_for(ready) as running:
        yield f"postgresql://postgres:test@{_address(running, 5432)}/postgres"


@contextmanager
def kafka() -> Iterator[str]:
    """Yields the bootstrap address. A broker advertises its address, so its outer port is chosen before it starts."""
    port = free_port()
    image = DockerContainer(KAFKA, env=_kafka_settings(port)).with_bind_ports(port, port)
    with image.waiting_for(LogMessageWaitStrategy("Kafka Server started")) as running:
        yield f"{running.get_container_host_ip()}:{port}"


@contextmanager
def temporal() -> Iterator[str]:
    """Yields the address of a server with the namespace `default`."""
    image = DockerContainer(TEMPORAL, command="server start-dev --ip 0.0.0.0 --headless", ports=[7233])
    with image.waiting_for(LogMessageWaitStrategy("Server:")) as running:
        yield _address(running, 7233)


def _address(running: DockerContainer, port: int) -> str:
    return f"{running.get_container_host_ip()}:{running.get_exposed_port(port)}"


def _kafka_settings(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
