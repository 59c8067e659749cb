"""One doc-service for all its tests."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contracts import topics
from contracts.kit.clock import new_id
from integration.doc_service.site import Program, Site, Watcher, database_url, describe, make_key
from local_stack.databases import create_database, drop_database
from local_stack.ports import free_port
from local_stack.topics import create_topics


@pytest.fixture(scope="session")
async def site(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("doc_service")
    database = await create_database(postgres, "doc-service", f"doc_{uuid4().hex[:12]}")
    await create_topics(kafka, [*topics.TOPICS, *topics.DEAD_LETTER_TOPICS])
    environment = describe(database.owner_url, database.app_url, kafka, free_port(), folder)
    migration = Program(environment, folder / "migrate.log", ("-m", "doc_service", "migrate"))
    await migration.start()
    assert await migration.ended() == 0, (folder / "migrate.log").read_text()
    watcher = Watcher(kafka)
    await watcher.start()
    program = Program(environment, folder / "service.log")
    made = Site(environment, database_url(postgres, database.name), make_key(folder), folder, watcher, program)
    await program.start()
    await made.ready()
    yield made
    await made.http.aclose()
    await made.program.stop()
    await watcher.stop()
    await drop_database(postgres, database.name)


@pytest.fixture
def tenant() -> UUID:
    return new_id()
