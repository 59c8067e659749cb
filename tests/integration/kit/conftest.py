"""A harness for every test of the kit, of a name of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from integration.kit.harness import Harness, harness_on
from integration.kit.probe_database import ProbeDatabase


@pytest_asyncio.fixture(scope="package")
async def probe_database(postgres: str) -> AsyncIterator[ProbeDatabase]:
    made = await ProbeDatabase.create(postgres)
    yield made
    await made.remove()


@pytest.fixture
async def harness(probe_database: ProbeDatabase, postgres: str, kafka: str, tmp_path: Path) -> Harness:
    return harness_on(await probe_database.renew(), postgres, kafka, tmp_path / "jwks.json")


@pytest.fixture
async def topics(harness: Harness) -> AsyncIterator[None]:
    """For tests that say or hear something: a broker takes longer over topics than most tests over their work."""
    await harness.make_topics()
    yield
    await harness.remove_topics()
