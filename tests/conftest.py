"""The servers that tests talk to: real ones, started once a session and only when a test asks for one.

A server may be lent instead: by address (`TEST_POSTGRES_DSN`, `TEST_KAFKA`, `TEST_TEMPORAL`), or as a container of the
official image (`TEST_SERVERS=containers`). A server that cannot be had is an error, never a skip.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from contracts.kit.gc_tuning import THRESHOLDS, tune_gc
from local_stack import containers
from local_stack.layout import WORKSPACE, remove_folder
from local_stack.testing import PrivateServers, end_dead_sessions
from local_stack.tools import Tools

gc.set_threshold(*THRESHOLDS)  # imports and collected tests are no cycles
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # a busy machine is no defect

SESSIONS = WORKSPACE / ".stack/test"
TOGETHER = (
    "tests/e2e/",
    "tests/integration/rule_engine/authoring/",
    "tests/integration/entity_service/",
    "tests/security/",
    "tests/integration/comms_service/",
    "tests/integration/doc_service/",
    "tests/integration/trigger_service/",
)
"""Folders whose files share what takes long to start, those that take longest first."""


def _shared_folder(nodeid: str) -> str | None:
    return next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file is one worker's, and so are all files of such a folder."""

    def _split_scope(self, nodeid: str) -> str:
        return _shared_folder(nodeid) or super()._split_scope(nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What one worker does alone begins first, so that none is left over with it in the end."""
    items.sort(key=lambda item: TOGETHER.index(folder) if (folder := _shared_folder(item.nodeid)) else len(TOGETHER))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    tune_gc()


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """This session's folder; what sessions that were killed left behind is ended and removed first."""
    end_dead_sessions(SESSIONS)
    folder = SESSIONS / str(os.getpid())
    yield folder
    remove_folder(folder)


@pytest.fixture(scope="session")
def session_servers(session_folder: Path) -> Iterator[PrivateServers]:
    servers = PrivateServers(session_folder / "shared")
    yield servers
    servers.close()


@pytest.fixture
def private_servers(session_folder: Path) -> Iterator[PrivateServers]:
    """For tests that kill servers: they have theirs alone."""
    servers = PrivateServers(session_folder / f"private-{uuid4().hex[:8]}")
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
