"""The servers that tests talk to: real ones, started once a session and only when a test asks for one.

A server may be lent instead: by address (`TEST_POSTGRES_DSN`, `TEST_KAFKA`, `TEST_TEMPORAL`), or as a container of the
official image (`TEST_SERVERS=containers`). A server that cannot be had is an error, never a skip.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex

import psutil
import pytest
from local_stack import containers
from local_stack.layout import WORKSPACE, remove_folder
from local_stack.ports import free_port
from local_stack.process import Process
from local_stack.servers import Kafka, Postgres, Server, Temporal
from local_stack.tools import Tools

SESSIONS = WORKSPACE / ".stack/test"


class PrivateServers:
    """Hands out servers of its own, to be stopped and killed at will; `close` ends and forgets them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tools = Tools.default()
        self._started: list[Server] = []

    def postgres(self) -> Postgres:
        password = token_hex(16)
        return self._start(Postgres(self._home("postgres"), free_port(), self._tools, password=password, durable=False))

    def kafka(self) -> Kafka:
        return self._start(Kafka(self._home("kafka"), free_port(), self._tools, controller_port=free_port()))

    def temporal(self) -> Temporal:
        return self._start(Temporal(self._home("temporal"), free_port(), self._tools))

    def close(self) -> None:
        for server in reversed(self._started):
            server.kill()
            remove_folder(server.home)

    def _home(self, kind: str) -> Path:
        return self._folder / f"{kind}-{len(self._started)}"

    def _start[S: Server](self, server: S) -> S:
        self._started.append(server)
        server.start()
        return server


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """This session's folder; what sessions that were killed left behind is ended and removed first."""
    _sweep_dead_sessions()
    folder = SESSIONS / str(os.getpid())
    yield folder
    remove_folder(folder)


@pytest.fixture(scope="session")
def session_servers(session_folder: Path) -> Iterator[PrivateServers]:
    servers = PrivateServers(session_folder / "shared")
    yield servers
    servers.close()


@pytest.fixture
def private_servers(session_folder: Path, request: pytest.FixtureRequest) -> Iterator[PrivateServers]:
    """For tests that kill servers: they have theirs alone."""
    servers = PrivateServers(session_folder / request.node.name[:60])
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The superuser's DSN; `local_stack.databases.create_database` gives a test a database of its own."""
    with ExitStack() as stack:
        lent = os.environ.get("TEST_POSTGRES_DSN") or (_in_containers() and stack.enter_context(containers.postgres()))
        yield lent or request.getfixturevalue("session_servers").postgres().dsn


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bootstrap address; `local_stack.topics.create_topics` makes the topics a test needs."""
    with ExitStack() as stack:
        lent = os.environ.get("TEST_KAFKA") or (_in_containers() and stack.enter_context(containers.kafka()))
        yield lent or request.getfixturevalue("session_servers").kafka().address


@pytest.fixture(scope="session")
def temporal(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Temporal server with the namespace `default`."""
    with ExitStack() as stack:
        lent = os.environ.get("TEST_TEMPORAL") or (_in_containers() and stack.enter_context(containers.temporal()))
        yield lent or request.getfixturevalue("session_servers").temporal().address


@pytest.fixture(scope="session")
def time_skipping() -> Path:
    """The program for `WorkflowEnvironment.start_time_skipping(test_server_existing_path=…)`."""
    return Tools.default().time_skipping()


def _in_containers() -> bool:
    return os.environ.get("TEST_SERVERS") == "containers"


def _sweep_dead_sessions() -> None:
    for folder in SESSIONS.glob("*"):
        if not psutil.pid_exists(int(folder.name)):
            _end_servers_below(folder)


def _end_servers_below(folder: Path) -> None:
    for record in folder.glob("*/*/process.json"):
        Process("left behind", record, record.with_name("log.txt")).kill()
        remove_folder(record.parent)
    remove_folder(folder)
