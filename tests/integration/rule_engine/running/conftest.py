"""One site for the tests of a file, which keep apart by tenant; and an engine running on it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.engine import Deal, Site, open_site


@pytest_asyncio.fixture(scope="module")
async def site(
    postgres: str, kafka: str, temporal: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with open_site(postgres, kafka, temporal, tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def engine(site: Site) -> AsyncIterator[Site]:
    async with site.engine():
        yield site


@pytest.fixture
def deal(engine: Site) -> Deal:
    """A deal of a tenant of its own."""
    return Deal(engine)
