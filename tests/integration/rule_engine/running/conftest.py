"""One harness for the tests of a file, which keep apart by tenant; and an engine running on it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.engine import Deal, Harness, open_harness


@pytest_asyncio.fixture(scope="module")
async def harness(
    postgres: str, kafka: str, temporal: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Harness]:
    async with open_harness(postgres, kafka, temporal, tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def engine(harness: Harness) -> AsyncIterator[Harness]:
    async with harness.engine():
        yield harness


@pytest.fixture
def deal(engine: Harness) -> Deal:
    """A deal of a tenant of its own."""
    return Deal(engine)
